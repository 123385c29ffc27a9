import type { Connection, ConnectionHandlers } from "../../../modules/upload/connection";
import { LookedUpConnection, type SocketOptions } from "../../../modules/upload/connector";
import { equal, test, throws } from "../harness";

interface Query {
  host: string;
  onResolved: (host: string, address: string) => void;
  onError: () => void;
}

/** A resolver and sockets whose events come when the test says so. */
function rig() {
  const queries: Query[] = [];
  const log: string[] = [];
  const handlers: ConnectionHandlers = {
    onReadable: (count) => log.push(`readable ${count}`),
    onWritable: (count) => log.push(`writable ${count}`),
    onError: (error) => log.push(`error ${(error as { code?: string })?.code}`),
  };
  const opened: SocketOptions[] = [];
  const resolver = { resolve: (query: Query) => queries.push(query) };
  const opener = {
    open(options: SocketOptions): Connection {
      if (options.address === "bad") throw Object.assign(new Error("no socket"), { code: "NoSocket" });
      opened.push(options);
      return {
        write(buffer: Uint8Array) {
          log.push(`write ${buffer.length}`);
          return 5;
        },
        read(count: number) {
          log.push(`read ${count}`);
          return new ArrayBuffer(count);
        },
        close() {
          log.push("close");
        },
      };
    },
  };
  return { queries, log, opened, connection: new LookedUpConnection(resolver, opener, "h.example", 8443, handlers) };
}

test("looks up, opens, passes everything on", () => {
  const { queries, log, opened, connection } = rig();
  equal(queries[0].host, "h.example");
  queries[0].onResolved("h.example", "192.0.2.1");
  equal([opened[0].host, opened[0].address, opened[0].port], ["h.example", "192.0.2.1", 8443]);
  opened[0].onWritable(10);
  equal(connection.write(new Uint8Array(3)), 5);
  opened[0].onReadable(2);
  equal(connection.read(2)?.byteLength, 2);
  opened[0].onError(Object.assign(new Error("x"), { code: "PeerAlert" }));
  connection.close();
  equal(log, ["writable 10", "write 3", "readable 2", "read 2", "error PeerAlert", "close"]);
});

test("no such host", () => {
  const { queries, log } = rig();
  queries[0].onError();
  equal(log, ["error HostNotFound"]);
});

test("a socket that cannot be made", () => {
  const { queries, log } = rig();
  queries[0].onResolved("h.example", "bad");
  equal(log, ["error NoSocket"]);
});

test("closed while looking up: nothing is opened, nothing is said", () => {
  for (const event of ["onResolved", "onError"] as const) {
    const { queries, log, opened, connection } = rig();
    connection.close();
    queries[0][event]("h.example", "192.0.2.1");
    equal([opened.length, log], [0, []]);
  }
});

test("a resolver that answers twice opens one socket", () => {
  const { queries, opened } = rig();
  queries[0].onResolved("h.example", "192.0.2.1");
  queries[0].onResolved("h.example", "192.0.2.2");
  queries[0].onError();
  equal(opened.length, 1);
});

test("nothing can be written before there is a socket, nor after it was closed; nothing is read", () => {
  const { queries, connection } = rig();
  throws(() => connection.write(new Uint8Array(1)), /not connected/);
  equal(connection.read(1), undefined);
  queries[0].onResolved("h.example", "192.0.2.1");
  connection.close();
  throws(() => connection.write(new Uint8Array(1)), /not connected/);
  equal(connection.read(1), undefined);
});
