/** TLSSocket without a TLS server: what can be said before there is a session. With one: tests/e2e/tls*.test.ts. */
import Listener from "embedded:io/socket/listener";
import TCP from "embedded:io/socket/tcp";
import { Clock } from "../../../modules/network/clock";
import { amazonRoots } from "../../../modules/network/roots";
import type { TLSError } from "../../../modules/network/tls-error";
import { TLSSocket, type TLSSocketOptions } from "../../../modules/network/tls-socket";
import { assert, equal, sleep, test, throws, until } from "../harness";

/** A TCP server that keeps what it gets and answers it, if at all, with something that is not TLS. */
class Server {
  readonly received: number[] = [];
  connections = 0;
  ended = 0;
  #listener: Listener & { close(): void };
  #answer: string;
  #sockets: TCP[] = [];

  constructor(answer = "") {
    this.#answer = answer;
    // The published typings lack close().
    this.#listener = new Listener({
      port: 0,
      onReadable: () => {
        const from = this.#listener.read()!;
        this.connections += 1;
        const socket: TCP = new TCP({
          from,
          onReadable: () => this.#onReadable(socket),
          onError: () => {
            this.ended += 1;
            socket.close();
          },
        });
        this.#sockets.push(socket);
      },
    }) as Listener & { close(): void };
  }

  #onReadable(socket: TCP): void {
    this.received.push(...new Uint8Array(socket.read() as ArrayBuffer));
    if (this.#answer) socket.write(ArrayBuffer.fromString(this.#answer));
    this.#answer = "";
  }

  get text(): string {
    return String.fromCharCode(...this.received);
  }

  get port(): number {
    return this.#listener.port;
  }

  close(): void {
    this.#listener.close();
    for (const socket of this.#sockets) socket.close();
  }
}

const secure = { roots: amazonRoots, clock: new Clock() };

function open(options: Partial<TLSSocketOptions>): { socket: TLSSocket; errors: TLSError[]; calls: string[] } {
  const errors: TLSError[] = [];
  const calls: string[] = [];
  const socket = new TLSSocket({
    host: "camera.example",
    address: "127.0.0.1",
    port: 1,
    TCP: { io: TCP as never },
    secure,
    onReadable: () => calls.push("readable"),
    onWritable: () => calls.push("writable"),
    onError: (error) => errors.push(error),
    ...options,
  });
  equal(errors.length, 0, "called before the constructor returned");
  return { socket, errors, calls };
}

test("what is missing is thrown", () => {
  throws(() => open({ TCP: undefined as never }), TypeError);
  throws(() => open({ secure: undefined as never }), TypeError);
});

test("an address that is none: ConnectionFailed, once", async () => {
  const { errors } = open({ address: undefined });
  await until(() => errors.length > 0);
  await sleep(20);
  equal(
    errors.map(({ code }) => code),
    ["ConnectionFailed"],
  );
});

test("the name is said, and an address is not", async () => {
  for (const host of ["camera.example", "127.0.0.1"]) {
    const server = new Server();
    const { socket } = open({ host, port: server.port });
    await until(() => server.received.length > 100);
    equal(server.received[0], 22, "a handshake record");
    equal(server.text.includes(host), host === "camera.example");
    socket.close();
    server.close();
  }
});

test("before the session nothing can be written or read, and closing is silent", async () => {
  const server = new Server();
  const { socket, errors, calls } = open({ port: server.port });
  throws(() => socket.write(new Uint8Array(1)), RangeError);
  equal(socket.read(), undefined);
  await until(() => server.connections > 0);
  throws(() => socket.write(1), RangeError);
  socket.close();
  socket.close();
  throws(() => socket.write(1), RangeError);
  equal(socket.read(), undefined);
  await until(() => server.ended > 0);
  equal([errors.length, calls.length], [0, 0]);
  server.close();
});

test("closed at once, nobody is called", async () => {
  const server = new Server("garbage");
  for (const time of [0, Date.now()]) {
    const { socket, errors, calls } = open({
      port: server.port,
      secure: { ...secure, clock: { isSet: time > 0, now: () => time } },
    });
    socket.close();
    await sleep(30);
    equal([errors.length, calls.length], [0, 0]);
  }
  server.close();
});

test("without the time no connection is made", async () => {
  const server = new Server();
  const { errors } = open({ port: server.port, secure: { ...secure, clock: { isSet: false, now: () => Date.now() } } });
  await until(() => errors.length > 0);
  await sleep(30);
  equal(errors[0].code, "NoTime");
  equal(errors[0].name, "TLSError");
  equal(server.connections, 0);
  server.close();
});

test("an answer that is not TLS: a name, the peer is told, and the socket goes away by itself", async () => {
  const server = new Server("HTTP/1.1 400 Bad Request\r\n\r\n");
  const { errors } = open({ port: server.port });
  await until(() => errors.length > 0);
  assert(/^(BadRecord|ProtocolVersion|HandshakeFailure)$/.test(errors[0].code), errors[0].code);
  assert(typeof errors[0].detail === "number");
  await until(() => server.ended > 0);
  equal(server.received.slice(-7, -1), [21, 3, 3, 0, 2, 2], "an alert");
  equal(errors.length, 1);
  server.close();
});

test("closing in onError is fine, and so is an exception there", async () => {
  for (const fail of [false, true]) {
    let count = 0;
    const { socket } = open({
      onError: () => {
        count += 1;
        socket.close();
        if (fail) throw new Error("on purpose");
      },
    });
    await until(() => count > 0);
    await sleep(20);
    equal(count, 1);
  }
});
