import type { UploadRequest } from "../../../modules/app/photo-uploads";
import type { Photo } from "../../../modules/app/photographer";
import { PictureConnection, type PictureConnectionHost } from "../../../modules/app/picture-connection";
import type { ConnectionHandlers } from "../../../modules/upload/connection";
import { equal, test } from "../harness";

const request: UploadRequest = {
  url: "https://b.example/k?signed",
  headers: [["x-amz-acl", "private"]],
  framing: "chunked",
};

/** Keeps what it is told. */
class Host {
  log: unknown[] = [];
  looked: { host: string; onResolved(host: string, address: string): void }[] = [];
  opened: { address: string; port: number; close(): void }[] = [];
  clock = { isConfirmed: true, isSet: true, now: () => Date.parse("2026-01-01T00:00:00Z") };
  identities = { inUse: undefined };
  device = {
    uploads: {
      sent: (bytes: number) => this.log.push(["sent", bytes]),
      ended: (result: { code?: string }, again: object) => this.log.push(["ended", result.code, again]),
    },
  };
  clockKeeper = {
    heard: (time: number) => this.log.push(["heard", time]),
    failed: (code: unknown) => this.log.push(["failed", code]),
  };
  board: object;

  constructor() {
    const { looked, opened } = this;
    this.board = {
      crypto: { Digest: Object },
      Resolver: class {
        resolve(query: never) {
          looked.push(query);
        }
      },
      TCP: class {
        closed = false;
        constructor(options: never) {
          opened.push(Object.assign(this, options));
        }
        read() {}
        write() {
          return 0;
        }
        close() {
          this.closed = true;
        }
      },
    };
  }

  redact(url: string): string {
    return url.split("?")[0];
  }
}

function setUp(photo: Partial<Photo> = {}) {
  const host = new Host();
  const frame = { byteLength: 10 };
  const connection = new PictureConnection(host as unknown as PictureConnectionHost, request, {
    frame,
    ...photo,
  } as Photo);
  return { host, frame, connection };
}

test("the upload gets the request as it came, and the picture's bytes", () => {
  const { connection, frame } = setUp();
  equal([connection.url, connection.headers, connection.framing], [request.url, request.headers, "chunked"]);
  equal(connection.frame === (frame as unknown), true);
  equal([connection.bufferLength, connection.Digest as unknown], [2048, Object]);
});

test("the store may have the picture only if all of it went to the same place before", () => {
  for (const [sentTo, expected] of [
    [undefined, false],
    ["https://b.example/other", false],
    ["https://b.example/k", true],
  ] as const)
    equal(setUp({ sentTo }).connection.mayBeThere, expected, sentTo);
});

test("a clock that is in doubt does not judge a URL", () => {
  const { connection, host } = setUp();
  equal(connection.clock === (host.clock as unknown), true);
  host.clock.isConfirmed = false;
  equal(connection.clock, undefined);
});

test("progress and the result are told; the result brings the request along, for another picture", () => {
  const { connection, host } = setUp();
  connection.onProgress(7);
  connection.onResult({ status: "failed", code: "ClockSkew", bytes: 0, attempts: 1 } as never);
  equal(host.log, [
    ["sent", 7],
    ["failed", "ClockSkew"],
    ["ended", "ClockSkew", connection],
  ]);
});

test("the store's date is heard when it is one", () => {
  const { connection, host } = setUp();
  connection.onDate("yesterday");
  equal(host.log, []);
  connection.onDate("Thu, 01 Jan 1970 00:00:00 GMT");
  connection.onDate("Thu, 01 Jan 2026 00:00:00 GMT");
  equal(host.log, [
    ["heard", 0],
    ["heard", Date.parse("2026-01-01T00:00:00Z")],
  ]);
});

test("each connection looks the store up anew and goes over TLS to the address that was found", () => {
  const { connection, host } = setUp();
  const handlers: ConnectionHandlers = { onReadable() {}, onWritable() {}, onError() {} };
  const opened = connection.connect("b.example", 443, handlers);
  equal([host.looked.length, host.looked[0].host, host.opened.length], [1, "b.example", 0]);
  host.looked[0].onResolved("b.example", "192.0.2.1");
  equal([host.opened.length, host.opened[0].address, host.opened[0].port], [1, "192.0.2.1", 443]);
  opened.close();
});
