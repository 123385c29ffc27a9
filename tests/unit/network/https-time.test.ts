/** HTTPSTime, asked of a TLS server whose answer, certificate and manners the test decides. */
import { HTTPSTime } from "../../../modules/network/https-time";
import { assert, equal, rejects, test, turns } from "../harness";
import { join } from "./bytes";
import { issueServer, longValidity, type ServerCredentials, serverName } from "./certificates";
import { TLSServer } from "./tls-server";
import { Wire } from "./wire";

const released = Date.UTC(2026, 5, 1);
const date = "Date: Thu, 01 Oct 2026 10:00:00 GMT\r\n";
const told = Date.UTC(2026, 9, 1, 10, 0, 0);
const usual = issueServer();

/** What the client writes waits until the test goes on: the server at work on top of the client would need more stack than there is. */
class LaterServer extends TLSServer {
  #waiting = new Uint8Array(0);

  override feed(data: Uint8Array): void {
    this.#waiting = join(this.#waiting, data);
  }

  work(): void {
    const data = this.#waiting;
    this.#waiting = new Uint8Array(0);
    super.feed(data);
  }
}

interface Options {
  credentials?: ServerCredentials;
  resolve?: (answer: { onResolved(host: string, address: string): void; onError(error?: unknown): void }) => void;
  timeout?: number;
  port?: number;
  hasTCP?: boolean;
}

function ask({ credentials = usual, resolve, timeout, port, hasTCP = true }: Options = {}) {
  Wire.last = undefined;
  const server = new LaterServer(credentials);
  const hosts: string[] = [];
  const source = new HTTPSTime({
    name: "store",
    host: serverName,
    port,
    roots: [credentials.root as never],
    released,
    timeout,
    TCP: { io: hasTCP ? (Wire as never) : undefined, server } as never,
    resolver: {
      resolve(options) {
        hosts.push(options.host);
        if (resolve) resolve(options);
        else options.onResolved(options.host, "192.0.2.7");
      },
    },
  });
  return { source, server, hosts, time: source.getTime() };
}

/** The handshake, and the server's answer in so many bytes at a time. */
function answer(server: LaterServer, text: string, piece?: number): void {
  Wire.last!.open();
  for (let flight = 0; flight < 2; flight++) {
    server.work();
    Wire.last!.deliver(piece);
  }
  server.work();
  say(server, text, piece);
}

function say(server: LaterServer, text: string, piece?: number): void {
  if (text) server.send(join(text));
  Wire.last!.deliver(piece);
  server.work();
}

for (const piece of [undefined, 1])
  test(`a Date is the time, half a second added, ${piece ? "byte by byte" : "at once"}`, async () => {
    const { source, server, hosts, time } = ask();
    answer(server, `HTTP/1.1 403 Forbidden\r\n${date}\r\n`, piece);
    equal(await time, told + 500);
    equal([source.name, source.isProven, hosts], ["store", true, [serverName]]);
    equal(server.received, join(`HEAD / HTTP/1.1\r\nHost: ${serverName}\r\nConnection: close\r\n\r\n`));
    const { address, host, port } = Wire.last!.options;
    equal([address, host, port], ["192.0.2.7", serverName, 443]);
    equal([server.alerts, Wire.last!.closed], [[0], 1]);
  });

test("another port", async () => {
  const { server, time } = ask({ port: 8443 });
  answer(server, `HTTP/1.1 200 OK\r\n${date}\r\n`);
  await time;
  equal(Wire.last!.options.port, 8443);
});

test("a head that is longer than a piece, in two records", async () => {
  const { server, time } = ask();
  answer(server, `HTTP/1.1 200 OK\r\nX-Padding: ${"x".repeat(300)}\r\n`);
  await turns(2);
  say(server, `${date}\r\n`);
  equal(await time, told + 500);
});

test("the question is asked once, however often there is room", async () => {
  const { server, time } = ask();
  answer(server, "");
  const { length } = server.received;
  assert(length > 0);
  Wire.last!.open();
  server.work();
  equal(server.received.length, length);
  say(server, `HTTP/1.1 200 OK\r\n${date}\r\n`);
  await time;
});

for (const head of ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nDate: yesterday\r\n\r\n"])
  test(`a head without a time: BadTime (${head.length} bytes)`, async () => {
    const { server, time } = ask();
    answer(server, head);
    const error = await rejects(time, "BadTime");
    assert(error.message.includes(serverName));
    equal(Wire.last!.closed, 1);
  });

test("a Date at which the certificate is not good, and one before the firmware", async () => {
  const cases: [string, string, string][] = [
    ["260101000000Z", "260901000000Z", "Expired"],
    ["261002000000Z", longValidity.to, "NotYetValid"],
    [longValidity.from, longValidity.to, "BadTime"],
  ];
  for (const [from, to, code] of cases) {
    const { server, time } = ask({ credentials: issueServer({ from, to }) });
    answer(
      server,
      `HTTP/1.1 200 OK\r\n${code === "BadTime" ? date.replace("2026", "2025").replace("Thu", "Wed") : date}\r\n`,
    );
    await rejects(time, code);
    Wire.last!.end();
  }
});

test("a host without TCP: rejected, not thrown", async () => {
  await rejects(ask({ hasTCP: false }).time, TypeError);
  equal(Wire.last, undefined);
});

test("no address, and an address that comes too late or twice", async () => {
  const none = ask({ resolve: ({ onError }) => onError() });
  await rejects(none.time, "HostNotFound");
  equal(Wire.last, undefined);
  let late: ((host: string, address: string) => void) | undefined;
  const silent = ask({
    timeout: 20,
    resolve: ({ onResolved }) => {
      late = onResolved;
    },
  });
  await rejects(silent.time, "NoAnswer");
  late!(serverName, "192.0.2.7");
  equal(Wire.last, undefined);
  const twice = ask({
    resolve: ({ onResolved }) => {
      onResolved(serverName, "192.0.2.7");
      const first = Wire.last;
      onResolved(serverName, "192.0.2.8");
      equal(Wire.last === first, true);
    },
  });
  answer(twice.server, `HTTP/1.1 200 OK\r\n${date}\r\n`);
  equal(await twice.time, told + 500);
});

test("a server that says nothing, and one that goes: a name, and no socket is left", async () => {
  const silent = ask({ timeout: 20 });
  await rejects(silent.time, "NoAnswer");
  equal(Wire.last!.closed, 1);
  const gone = ask();
  answer(gone.server, "HTTP/1.1 200 OK\r\n");
  Wire.last!.end();
  await rejects(gone.time, "ConnectionLost");
  equal(Wire.last!.closed, 1);
});
