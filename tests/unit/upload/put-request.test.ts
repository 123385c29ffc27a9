import type { HeaderList } from "../../../modules/upload/header-list";
import { PresignedURL } from "../../../modules/upload/presigned-url";
import { FrameEndedEarlyError, PutRequest, type PutRequestOptions } from "../../../modules/upload/put-request";
import type { Framing } from "../../../modules/upload/request-headers";
import { assert, equal, test, throws } from "../harness";
import { url as presigned } from "./store-script";
import { byteAt, isWholeFrame, SyntheticFrame } from "./synthetic-frame";

const url = PresignedURL.parse(presigned);

function make(byteLength: number, options: Partial<PutRequestOptions> = {}): PutRequest {
  return new PutRequest({ url, source: new SyntheticFrame(byteLength), buffer: new Uint8Array(1024), ...options });
}

/** Everything that the request gives with a socket of that much room. */
function collect(request: PutRequest, room: number): Uint8Array {
  const all = new Uint8Array(16_000);
  let length = 0;
  for (let bytes = request.next(room); bytes; bytes = request.next(room)) {
    assert(bytes.length > 0 && bytes.length <= room, `${bytes.length} bytes for room of ${room}`);
    all.set(bytes, length);
    length += bytes.length;
  }
  return all.slice(0, length);
}

function split(bytes: Uint8Array): { head: string; body: Uint8Array } {
  let head = "";
  while (!head.endsWith("\r\n\r\n") && head.length < bytes.length) head += String.fromCharCode(bytes[head.length]);
  return { head, body: bytes.slice(head.length) };
}

/** Undoes the chunked coding and checks it strictly. */
function dechunk(bytes: Uint8Array): Uint8Array {
  const body = new Uint8Array(bytes.length);
  let end = 0;
  for (let at = 0; ; ) {
    let size = "";
    while (bytes[at] !== 0x0d) size += String.fromCharCode(bytes[at++]);
    assert(/^[0-9a-f]+$/.test(size) && bytes[at + 1] === 0x0a, "a chunk size");
    at += 2;
    const length = Number.parseInt(size, 16);
    body.set(bytes.subarray(at, at + length), end);
    end += length;
    at += length;
    assert(bytes[at] === 0x0d && bytes[at + 1] === 0x0a, "an end of a chunk");
    at += 2;
    if (length > 0) continue;
    equal(at, bytes.length, "bytes after the last chunk");
    return body.slice(0, end);
  }
}

test("the head has what was signed and what the protocol needs, nothing else", () => {
  const { head } = split(collect(make(10, { headers: [["If-None-Match", "*"]] }), 5000));
  equal(head.split("\r\n"), [
    `PUT ${url.target()} HTTP/1.1`,
    "Host: photos.s3.eu-central-1.amazonaws.com",
    "If-None-Match: *",
    "Content-Length: 10",
    "Connection: close",
    "",
    "",
  ]);
});

test("Content-Length framing: the same bytes for every room", { timeout: 60_000 }, () => {
  const whole = collect(make(1500), 100_000);
  assert(isWholeFrame(split(whole).body, 1500));
  for (let room = 1; room <= 1200; room += room < 40 ? 1 : 97) equal(collect(make(1500), room), whole, `room ${room}`);
});

test("chunked framing: the same body for every room", { timeout: 60_000 }, () => {
  for (let room = 1; room <= 1200; room += room < 40 ? 1 : 97) {
    const { head, body } = split(collect(make(1500, { framing: "chunked" }), room));
    assert(head.includes("\r\nTransfer-Encoding: chunked\r\n"));
    assert(!head.includes("Content-Length"));
    assert(isWholeFrame(dechunk(body), 1500), `room ${room}`);
  }
});

for (const piece of [1, 7, 256, 300]) {
  test(`a source that gives at most ${piece} bytes at a time`, () => {
    for (const framing of ["length", "chunked"] as const) {
      const source = new SyntheticFrame(1300, { piece });
      const { body } = split(collect(make(0, { source, framing }), 700));
      assert(isWholeFrame(framing === "chunked" ? dechunk(body) : body, 1300), framing);
    }
  });
}

test("a body of no bytes", () => {
  for (const framing of ["length", "chunked"] as const) {
    const request = make(0, { framing, expectContinue: true });
    const { head, body } = split(collect(request, 300));
    assert(request.sent);
    assert(!head.includes("Expect"), "nothing to wait for");
    equal(body.length, framing === "length" ? 0 : 5);
  }
});

test("not a byte more than promised", () => {
  const source = new SyntheticFrame(500);
  const longer = { byteLength: 400, read: (buffer: Uint8Array) => source.read(buffer) };
  const { body } = split(collect(make(0, { source: longer }), 10_000));
  assert(isWholeFrame(body, 400));
});

test("the digest sees every body byte once", () => {
  for (const framing of ["length", "chunked"] as const) {
    let index = 0;
    const onBody = {
      write(bytes: Uint8Array) {
        for (const byte of bytes) assert(byte === byteAt(index++));
      },
    };
    collect(make(3000, { framing, onBody, source: new SyntheticFrame(3000, { piece: 333 }) }), 410);
    equal(index, 3000);
  }
});

test("100-continue: the body waits", () => {
  const request = make(100, { expectContinue: true });
  const { head, body } = split(collect(request, 400));
  assert(head.includes("\r\nExpect: 100-continue\r\n"));
  equal([body.length, request.waiting, request.sent, request.taken], [0, true, false, 0]);
  request.continue();
  assert(isWholeFrame(collect(request, 400), 100));
  equal([request.waiting, request.sent, request.taken], [false, true, 100]);
});

for (const endsAfter of [0, 1, 999]) {
  test(`a frame that ends after ${endsAfter} of 1000 bytes is an error, never padding`, () => {
    for (const framing of ["length", "chunked"] as const) {
      const request = make(0, { framing, source: new SyntheticFrame(1000, { endsAfter }) });
      throws(() => collect(request, 300), FrameEndedEarlyError);
      assert(!request.sent);
      equal(request.taken, endsAfter);
    }
  });
}

test("an error of the source goes through", () => {
  throws(() => collect(make(0, { source: new SyntheticFrame(1000, { failsAt: 256 }) }), 300), "IdleTimeout");
});

const query =
  "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a&X-Amz-Date=20260101T000000Z&X-Amz-Expires=60&X-Amz-Signature=s";
const signed = (names: string) => PresignedURL.parse(`https://h.example/k${query}&X-Amz-SignedHeaders=${names}`);
const refused: [code: string, names: string, headers: HeaderList, framing?: Framing][] = [
  ["HeaderNotSigned", "host", [["x-amz-acl", "private"]]],
  ["SignedHeaderMissing", "content-type%3Bhost", []],
  ["SignedHeaderMissing", "host%3Bx-amz-acl", [["content-type", "image/jpeg"]]],
  ["SignedHeaderMissing", "content-length%3Bhost", [], "chunked"],
  ["LengthMismatch", "content-length%3Bhost", [["Content-Length", "11"]]],
  ["LengthMismatch", "content-length%3Bhost", [["Content-Length", "10"]], "chunked"],
  ["ForbiddenHeader", "host", [["Transfer-Encoding", "chunked"]]],
  ["ForbiddenHeader", "host", [["Connection", "keep-alive"]]],
  ["ForbiddenHeader", "host", [["Expect", "100-continue"]]],
  ["ForbiddenHeader", "host", [["Host", "other.example"]]],
  [
    "ForbiddenHeader",
    "host",
    [
      ["a", "1"],
      ["A", "2"],
    ],
  ],
  [
    "ForbiddenHeader",
    "host",
    [
      ["a", "1"],
      ["b", "1"],
      ["a", "1"],
    ],
  ],
  ["MalformedHeader", "host", [["a b", "1"]]],
  ["MalformedHeader", "host", [["", "1"]]],
  ["MalformedHeader", "host", [["a", "1\r\nb: 2"]]],
  ["MalformedHeader", "host", [["a", " 1"]]],
  ["MalformedHeader", "host", [["a", ""]]],
  ["MalformedHeader", "host", [["a", 1 as unknown as string]]],
];

for (const [code, names, headers, framing] of refused) {
  test(`${code}: ${names} with ${JSON.stringify(headers)}${framing ?? ""}`, () => {
    throws(() => make(10, { url: signed(names), headers, framing }), code);
  });
}

test("a signed Content-Length is the engine's own, whether the grant repeats it or not", () => {
  for (const headers of [undefined, [["content-length", "10"]]] as const) {
    const { head } = split(collect(make(10, { url: signed("content-length%3Bhost"), headers }), 9000));
    equal(head.toLowerCase().split("content-length: 10\r\n").length, 2);
  }
});

test("Host: without the default port, as signers leave it out, unless the grant says otherwise", () => {
  const hosts: [authority: string, granted: string | undefined, sent: string][] = [
    ["store.example:443", undefined, "store.example"],
    ["store.example", undefined, "store.example"],
    ["store.example:8443", undefined, "store.example:8443"],
    ["store.example:80", undefined, "store.example:80"],
    ["Store.Example:443", undefined, "Store.Example"],
    ["store.example:443", "store.example", "store.example"],
    ["store.example", "store.example:443", "store.example:443"],
    ["store.example:8443", "store.example:8443", "store.example:8443"],
  ];
  for (const [authority, granted, sent] of hosts) {
    const url = PresignedURL.parse(`https://${authority}/photos/k.jpg${query}&X-Amz-SignedHeaders=host`);
    const { head } = split(
      collect(make(1, { url, headers: granted === undefined ? undefined : [["Host", granted]] }), 900),
    );
    assert(head.includes(`\r\nHost: ${sent}\r\n`), head);
    assert(url.redacted.startsWith(`https://${authority}/`), "the URL itself stays as it is");
  }
  for (const granted of ["store.example", "store.example:443", "other.example:8443"])
    throws(
      () => make(1, { url: PresignedURL.parse("https://store.example:8443/k"), headers: [["Host", granted]] }),
      "ForbiddenHeader",
    );
});

test("signed headers in any case, and unsigned ones that are harmless", () => {
  const headers: HeaderList = [
    ["Content-Type", "image/jpeg"],
    ["X-AMZ-ACL", "private"],
    ["host", "h.example"],
    ["content-length", "10"],
  ];
  const { head } = split(collect(make(10, { url: signed("content-type%3Bhost%3Bx-amz-acl"), headers }), 9000));
  assert(head.includes("\r\nContent-Type: image/jpeg\r\nX-AMZ-ACL: private\r\n"));
  equal(head.toLowerCase().split("content-length:").length, 2);
  equal(head.toLowerCase().split("host:").length, 2);
  const opaque = PresignedURL.parse("https://b-1.cos.x.myqcloud.com/k?q-sign-algorithm=sha1");
  assert(split(collect(make(1, { url: opaque, headers: [["x-cos-acl", "private"]] }), 900)).head.includes("x-cos-acl"));
});

test("a long URL goes through a small buffer", () => {
  const long = PresignedURL.parse(
    `https://h.example/k${query}&X-Amz-SignedHeaders=host&X-Amz-Security-Token=${"t".repeat(3000)}`,
  );
  const { head, body } = split(collect(make(300, { url: long, buffer: new Uint8Array(128) }), 77));
  assert(head.startsWith(`PUT ${long.target()} HTTP/1.1\r\n`));
  assert(isWholeFrame(body, 300));
});

test("where the room stays the same, the same views are used again and again", () => {
  for (const [framing, room] of [
    ["length", 256],
    ["length", 512],
    ["chunked", 265],
    ["chunked", 521],
  ] as const) {
    const request = make(4096, { framing });
    while (request.taken === 0) request.next(room);
    const first = request.next(room);
    equal(first?.length, room);
    equal(request.next(room) === first, true, `${framing} ${room}`);
  }
});
