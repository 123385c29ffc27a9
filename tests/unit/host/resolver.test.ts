import Resolver from "embedded:network/dns/resolver/udp";
import { equal, rejects, test } from "../harness";

// biome-ignore lint/suspicious/noExplicitAny: the servers that the SDK's resolver wants are of no use here
const create = () => new (Resolver as any)();

function resolve(host: string): Promise<string> {
  const resolver = create();
  return new Promise((resolved, reject) => {
    resolver.resolve({
      host,
      onResolved: (name: string, address: string) => {
        equal(name, host);
        resolved(address);
      },
      onError: reject,
    });
  });
}

test("localhost and names under it are loopback", async () => {
  for (const host of ["localhost", "LOCALHOST", "bucket.localhost", "a.b.localhost.", "localhost."])
    equal(await resolve(host), "127.0.0.1");
});

test("an address resolves to itself", async () => {
  equal(await resolve("192.0.2.7"), "192.0.2.7");
});

test("a name that cannot exist is an error", async () => {
  // RFC 6761, section 6.4; "localhost" inside a name means nothing
  await rejects(resolve("nothing.invalid"));
  await rejects(resolve("localhost.invalid"));
});

test("a closed resolver is silent", async () => {
  const resolver = create();
  let calls = 0;
  const onResolved = () => {
    calls += 1;
  };
  resolver.resolve({ host: "localhost", onResolved });
  resolver.close();
  const other = create();
  await new Promise((resolve) => other.resolve({ host: "localhost", onResolved: resolve }));
  equal(calls, 0);
});
