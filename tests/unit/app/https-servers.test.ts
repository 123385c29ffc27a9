import { type HTTPSServersHost, httpsServers } from "../../../modules/app/https-servers";
import { equal, test } from "../harness";

/** Whom a camera with that endpoint asks: the names that are looked up, each server with its own name in telemetry. */
async function asked(endpoint: string | string[] | undefined, inUse?: string): Promise<string[]> {
  const hosts: string[] = [];
  class Resolver {
    resolve({ host, onError }: { host: string; onError(): void }): void {
      hosts.push(host);
      onError();
    }
  }
  const host = {
    released: 0,
    endpoint: inUse,
    identities: { inUse: endpoint && { endpoint, rootCA: "root" } },
    board: { Resolver, TCP: Object },
  };
  const servers = httpsServers(host as unknown as HTTPSServersHost);
  for (const server of servers) await server.getTime().catch(({ code }) => equal(code, "HostNotFound"));
  equal(
    servers.every(({ isProven }) => isProven),
    true,
  );
  return hosts.map((name, index) => `${servers[index].name} ${name}`);
}

test("the broker's host is asked, without its port", async () => {
  equal(await asked("broker.example"), ["https broker.example"]);
  equal(await asked("broker.example:8884"), ["https broker.example"]);
});

test("of several endpoints the one in use, or the first", async () => {
  equal(await asked(["a.example:1", "b.example"]), ["https a.example"]);
  equal(await asked(["a.example", "b.example"], "b.example:443"), ["https b.example"]);
});

test("with an endpoint of AWS IoT Core the store of its region as well, in every partition", async () => {
  equal(await asked("a1b2c3-ats.iot.eu-central-1.amazonaws.com"), [
    "https a1b2c3-ats.iot.eu-central-1.amazonaws.com",
    "https-store s3.eu-central-1.amazonaws.com",
  ]);
  equal((await asked("x.ats.iot.cn-north-1.amazonaws.com.cn:8883"))[1], "https-store s3.cn-north-1.amazonaws.com.cn");
  for (const other of ["x.iot.eu-central-1.amazonaws.com.evil.example", "x.iot.eu.central.amazonaws.com"])
    equal((await asked(other)).length, 1, other);
});

test("a camera that nobody has registered knows nobody", async () => {
  equal(await asked(undefined), []);
});
