/**
 * The local authority by hand, for servers and devices beside the simulator:
 *
 *     node --import tsx certs/local-ca-cli.ts DIRECTORY root
 *     node --import tsx certs/local-ca-cli.ts DIRECTORY server NAME...     (DNS names, IP addresses)
 *     node --import tsx certs/local-ca-cli.ts DIRECTORY client NAME
 *     node --import tsx certs/local-ca-cli.ts DIRECTORY sign REQUEST.pem
 *
 * Writes PEM to stdout: a key comes before its chain. DIRECTORY holds the authority and is made on first use.
 */
import { readFile } from "node:fs/promises";
import { LocalCA } from "./local-ca.ts";

const usage = "usage: local-ca-cli.ts DIRECTORY root | server NAME... | client NAME | sign REQUEST.pem";

async function run([directory, command, ...names]: string[]): Promise<string> {
  const authority = directory && command ? await LocalCA.open(directory) : undefined;
  if (authority && command === "root") return authority.certPem;
  if (!authority || !names.length) throw new Error(usage);
  switch (command) {
    case "server": {
      const { keyPem, chainPem } = await authority.issueServer({ names });
      return keyPem + chainPem;
    }
    case "client": {
      const { keyPem, certPem } = await authority.issueClient({ commonName: names[0]! });
      return keyPem + certPem;
    }
    case "sign":
      return (await authority.issueFromCsr(await readFile(names[0]!, "utf8"))).certPem;
    default:
      throw new Error(usage);
  }
}

try {
  process.stdout.write(await run(process.argv.slice(2)));
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 2;
}
