import Listener from "embedded:io/socket/listener";
import TCP from "embedded:io/socket/tcp";
import { assert, equal, sleep, test, throws, until } from "../harness";

// biome-ignore lint/suspicious/noExplicitAny: the published typings differ from the SDK's newer ones (write returns a count, for one)
type Socket = any;
const WINDOW = 5744;

interface Endpoint {
  socket: Socket;
  received: Uint8Array[];
  writable: number;
  errors: number;
}

function watch(options: object): Endpoint {
  const endpoint: Endpoint = { socket: undefined, received: [], writable: 0, errors: 0 };
  endpoint.socket = new (TCP as Socket)({
    ...options,
    onReadable(this: Socket, count: number) {
      endpoint.received.push(new Uint8Array(this.read(count)));
    },
    onWritable(count: number) {
      endpoint.writable = count;
    },
    onError() {
      endpoint.errors++;
    },
  });
  return endpoint;
}

/** A client and the server's end of its connection. */
async function connect(clientOptions = {}): Promise<{ client: Endpoint; server: Endpoint; close(): void }> {
  let server: Endpoint | undefined;
  const listener = new (Listener as Socket)({
    port: 0,
    onReadable(this: Socket) {
      server = watch({ from: this.read() });
    },
  });
  const client = watch({ address: "127.0.0.1", port: listener.port, ...clientOptions });
  await until(() => server !== undefined && client.writable > 0);
  const close = () => {
    client.socket.close();
    server?.socket.close();
    listener.close();
  };
  return { client, server: server!, close };
}

const text = (chunks: Uint8Array[]) => chunks.map((chunk) => String.fromArrayBuffer(chunk.slice().buffer)).join("");

test("bytes go both ways", async () => {
  const { client, server, close } = await connect();
  equal(client.socket.write(ArrayBuffer.fromString("ping")), WINDOW - 4);
  await until(() => server.received.length > 0);
  equal(text(server.received), "ping");
  server.socket.write(ArrayBuffer.fromString("pong"));
  await until(() => client.received.length > 0);
  equal(text(client.received), "pong");
  equal(server.socket.remoteAddress, "127.0.0.1");
  close();
});

test("the send buffer holds as much as the chip's, and more is an overflow", async () => {
  const { client, close } = await connect();
  equal(client.writable, WINDOW);
  equal(client.socket.write(new Uint8Array(WINDOW - 1)), 1);
  throws(() => client.socket.write(new Uint8Array(2)), RangeError);
  equal(client.socket.write(new Uint8Array(1)), 0);
  close();
});

test("at most a receive window is readable, and reading makes room for more", async () => {
  const counts: number[] = [];
  const { client, server, close } = await connect();
  const sink = new (TCP as Socket)({ from: server.socket, onReadable: (count: number) => counts.push(count) });
  for (let sent = 0; sent < 4 * WINDOW; sent += WINDOW) {
    await until(() => client.writable === WINDOW);
    client.writable = 0;
    client.socket.write(new Uint8Array(WINDOW));
  }
  await until(() => counts[counts.length - 1] === WINDOW);
  await sleep(20);
  equal(sink.read(WINDOW).byteLength, WINDOW);
  await until(() => counts[counts.length - 1] === WINDOW);
  sink.close();
  close();
});

test("reading more than there is throws, reading nothing gives undefined", async () => {
  const { client, server, close } = await connect();
  equal(client.socket.read(), undefined);
  let readable = 0;
  const sink = new (TCP as Socket)({
    from: server.socket,
    onReadable: (count: number) => {
      readable = count;
    },
  });
  client.socket.write(ArrayBuffer.fromString("abc"));
  await until(() => readable === 3);
  throws(() => sink.read(4), RangeError);
  const buffer = new Uint8Array(2);
  equal(sink.read(buffer), 2);
  equal(buffer, ArrayBuffer.fromString("ab"));
  equal(sink.read(), ArrayBuffer.fromString("c"));
  sink.close();
  close();
});

test("format number: one byte at a time", async () => {
  const { client, server, close } = await connect({ format: "number" });
  equal(client.socket.format, "number");
  client.socket.write(65);
  await until(() => server.received.length > 0);
  equal(text(server.received), "A");
  client.socket.format = "buffer";
  close();
});

test("the peer's close comes after its last bytes", async () => {
  const { client, server, close } = await connect();
  server.socket.write(ArrayBuffer.fromString("last words"));
  server.socket.close();
  await until(() => client.errors > 0);
  equal(text(client.received), "last words");
  equal(client.errors, 1);
  equal(client.socket.write(new Uint8Array(1)), undefined);
  close();
});

test("a refused connection is an error, once", async () => {
  const listener = new (Listener as Socket)({ port: 0, onReadable() {} });
  const { port } = listener;
  listener.close();
  const client = watch({ address: "127.0.0.1", port });
  await until(() => client.errors > 0);
  await sleep(20);
  equal(client.errors, 1);
  equal(client.writable, 0);
  client.socket.close();
});

test("what was written before close arrives", async () => {
  const { client, server, close } = await connect();
  client.socket.write(new Uint8Array(WINDOW));
  client.socket.close();
  await until(() => server.errors > 0);
  equal(
    server.received.reduce((sum, chunk) => sum + chunk.length, 0),
    WINDOW,
  );
  close();
});

test("a socket may be closed in each of its callbacks", async () => {
  const { client, server, close } = await connect();
  let closed = 0;
  for (const name of ["onReadable", "onWritable", "onError"]) {
    const pair = await connect();
    const inner = new (TCP as Socket)({
      from: pair.client.socket,
      [name](this: Socket) {
        this.close();
        closed++;
      },
    });
    if (name === "onReadable") pair.server.socket.write(new Uint8Array(1));
    if (name === "onError") pair.server.socket.close();
    await until(() => closed > 0);
    closed = 0;
    throws(() => inner.write(new Uint8Array(1)));
    pair.close();
  }
  assert(client.errors === 0 && server.errors === 0);
  close();
});

test("wrong options throw", () => {
  throws(() => watch({ address: "not an address", port: 1 }));
  throws(() => watch({ address: "127.0.0.1", port: 70000 }), RangeError);
  throws(() => watch({ address: "127.0.0.1", port: 1, format: "string" }), RangeError);
});
