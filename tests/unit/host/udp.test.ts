import SocketClass from "embedded:io/socket/udp";
import { equal, test, throws, until } from "../harness";

// biome-ignore lint/suspicious/noExplicitAny: the published typings know neither close nor format
type UDP = any;
const UDP = SocketClass as UDP;
/** Others run on the same machine. */
const port = 20_000 + Math.floor(Math.random() * 10_000) * 3;

interface Datagram extends ArrayBuffer {
  address: string;
  port: number;
}

function open(at: number | undefined, onReadable: (this: unknown, count: number) => void, target?: object): UDP {
  return new UDP({ port: at, onReadable, target });
}

const text = (datagram: Datagram | undefined) => datagram && String.fromArrayBuffer(datagram);

test("a datagram arrives with its sender's address, and is answered", async () => {
  const received: string[] = [];
  const server = open(port, function (this: unknown) {
    const datagram = (this as UDP).read() as Datagram;
    received.push(text(datagram) as string);
    equal(datagram.address, "127.0.0.1");
    server.write(ArrayBuffer.fromString("answer"), datagram.address, datagram.port);
  });
  const client = open(undefined, function (this: unknown) {
    received.push(text((this as UDP).read() as Datagram) as string);
  });
  client.write(ArrayBuffer.fromString("question"), "127.0.0.1", port);
  await until(() => received.length === 2);
  equal(received.join(), "question,answer");
  equal(client.read(), undefined);
  server.close();
  client.close();
});

test("an owner that does not read at once is told again; a callback may close its socket", async () => {
  let calls = 0;
  const target = { name: "target" };
  const server = open(
    port + 1,
    function (this: unknown) {
      calls += 1;
      equal((this as { target: object }).target, target);
      if (calls === 2) (this as UDP).close();
    },
    target,
  );
  const client = open(undefined, () => {});
  client.write(new Uint8Array(3), "127.0.0.1", port + 1);
  await until(() => calls === 2);
  throws(() => server.read());
  server.close();
  client.close();
});

test("what cannot be is refused", () => {
  throws(() => new UDP({}));
  throws(() => open(70_000, () => {}));
  const socket = open(port + 2, () => {});
  throws(() => open(port + 2, () => {}));
  throws(() => socket.write(new ArrayBuffer(1), "no address", 1));
  throws(() => socket.write(new ArrayBuffer(1), "127.0.0.1", 70_000));
  equal(socket.format, "buffer");
  throws(() => {
    socket.format = "number";
  });
  socket.close();
  socket.close();
});
