/**
 * The owner's own authority, for cameras that get key and certificate in the factory (just-in-time provisioning):
 *
 *     node --import tsx certs/owner-ca-cli.ts DIRECTORY ca                        its certificate
 *     node --import tsx certs/owner-ca-cli.ts DIRECTORY verification CODE         proves to AWS IoT that it is yours
 *     node --import tsx certs/owner-ca-cli.ts DIRECTORY device THING              a camera's key, then its certificate
 *     node --import tsx certs/owner-ca-cli.ts DIRECTORY registration ROLE_ARN     template and role, as JSON for RegisterCACertificate
 *
 * Writes to stdout. DIRECTORY holds the authority, its key readable by its owner only, and is made on first use.
 */
import { pathToFileURL } from "node:url";
import { OwnerCA, registrationConfig } from "./owner-ca.ts";

const usage = "usage: owner-ca-cli.ts DIRECTORY ca | verification CODE | device THING | registration ROLE_ARN";

export async function run([directory, command, argument, ...rest]: string[]): Promise<string> {
  if (!directory || !command || rest.length || (command === "ca") === (argument !== undefined)) throw new Error(usage);
  if (command === "registration") return `${JSON.stringify(await registrationConfig(argument), null, 2)}\n`;
  const authority = await OwnerCA.open(directory);
  switch (command) {
    case "ca":
      return authority.certPem;
    case "verification":
      return authority.verification(argument);
    case "device": {
      const { keyPem, certPem } = await authority.device(argument);
      return keyPem + certPem;
    }
    default:
      throw new Error(usage);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href)
  try {
    process.stdout.write(await run(process.argv.slice(2)));
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 2;
  }
