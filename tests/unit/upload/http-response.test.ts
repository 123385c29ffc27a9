import { HTTPResponse } from "../../../modules/upload/http-response";
import { assert, equal, test } from "../harness";
import { errorAnswer, ok } from "./store-script";

function parse(text: string, step = text.length): HTTPResponse {
  const response = new HTTPResponse();
  const bytes = new Uint8Array(ArrayBuffer.fromString(text));
  for (let at = 0; at < bytes.length; at += step) response.write(bytes.subarray(at, at + step));
  return response;
}

/** What a reader of the response sees. */
function view(response: HTTPResponse) {
  const { status, headers, complete, done, error, requestId, elements, headComplete } = response;
  return { status, headers, complete, done, error, requestId, elements, headComplete };
}

const chunked =
  "HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\nx-amz-request-id: R1\r\n\r\n" +
  "20;a=b\r\n<Error><Code>AccessDenied</Code>\r\n2E \r\n<Message>Request has expired</Message></Error>\r\n0\r\nTrailer: x\r\n\r\n";
const untilClose = "HTTP/1.0 503 Slow Down\r\n\r\n<Error><Code>SlowDown</Code></Error>";

for (const [name, text] of [
  ["success", ok],
  ["error document", errorAnswer(403, "AccessDenied", "a &lt;b&gt; &amp;amp; &quot;c&quot;")],
  ["chunked error document", chunked],
  ["interim responses first", `HTTP/1.1 100 Continue\r\nETag: "x"\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n${ok}`],
]) {
  test(`${name}: the same however it is split`, () => {
    const expected = view(parse(text));
    assert(expected.complete);
    for (let step = 1; step < text.length; step += 1) equal(view(parse(text, step)), expected, `step ${step}`);
  });

  test(`${name}: cut at every byte it is not complete`, () => {
    for (let length = 0; length < text.length; length += 1) {
      const response = parse(text.slice(0, length));
      assert(!response.done, `complete after ${length} of ${text.length}`);
      response.end();
      equal([response.complete, response.error], [false, "ResponseCut"]);
    }
  });
}

test("a success", () => {
  const response = parse(ok);
  equal([response.status, response.headers["etag"], response.requestId], [200, '"d41d"', "7A"]);
});

test("an error document", () => {
  const response = parse(
    errorAnswer(
      403,
      "AccessDenied",
      "a &lt;b&gt; &amp;amp; &quot;c&quot;",
      "<HeadersNotSigned>x-amz-acl</HeadersNotSigned>",
    ),
  );
  equal(response.elements, {
    Code: "AccessDenied",
    Message: 'a <b> &amp; "c"',
    HeadersNotSigned: "x-amz-acl",
    RequestId: "7A",
  });
  equal(response.requestId, "7A");
});

test("chunked", () => {
  const response = parse(chunked);
  equal(response.elements, { Code: "AccessDenied", Message: "Request has expired" });
  equal(response.requestId, "R1");
});

test("a body until the connection closes", () => {
  for (let step = 1; step <= untilClose.length; step += 1) {
    const response = parse(untilClose, step);
    assert(!response.done && response.headComplete);
    response.end();
    assert(response.complete);
    equal(response.elements.Code, "SlowDown");
  }
});

test("100 Continue is noticed and forgotten", () => {
  const response = parse("HTTP/1.1 100 Continue\r\n\r\n");
  equal([response.continued, response.status, response.headComplete, response.done], [true, 0, false, false]);
});

test("no body with 204", () => assert(parse("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n").complete));

test("bare line feeds and an empty line first", () => {
  assert(parse('\r\nHTTP/1.1 200 OK\nETag:"a"\ncontent-length: 0\n\n').complete);
});

test("what comes after the response is ignored", () => equal(parse(`${ok}HTTP/1.1 500 X\r\n\r\n`).status, 200));

const malformed: [text: string, error: string][] = [
  ["SSH-2.0-x\r\n", "MalformedResponse"],
  ["HTTP/2 200\r\n", "MalformedResponse"],
  ["HTTP/1.1 999 X\r\n", "MalformedResponse"],
  ["HTTP/1.1 20 X\r\n", "MalformedResponse"],
  ["HTTP/1.1 101 Switching Protocols\r\n\r\n", "MalformedResponse"],
  ["HTTP/1.1 200 OK\r\nno colon\r\n", "MalformedResponse"],
  ["HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "MalformedResponse"],
  ["HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n", "MalformedResponse"],
  ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", "MalformedResponse"],
  ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", "MalformedResponse"],
  [`HTTP/1.1 200 OK\r\n${"x: y\r\n".repeat(4000)}`, "ResponseTooLarge"],
  [`HTTP/1.1 200 ${"O".repeat(20_000)}`, "ResponseTooLarge"],
];

for (const [text, error] of malformed) {
  test(`${error}: ${text.slice(0, 70).replace(/\r\n/g, "|")}`, () => {
    const response = parse(text, 100);
    equal([response.done, response.complete, response.error], [true, false, error]);
  });
}

test("long header lines are skipped, long elements are cut, long bodies end", () => {
  const response = parse(
    `HTTP/1.1 403 X\r\nETag: ${"e".repeat(600)}\r\nX-Long: ${"x".repeat(900)}\r\nContent-Length: 9999999\r\n\r\n` +
      `<Error><Code>${"c".repeat(500)}</Code>`,
    1000,
  );
  const filler = new Uint8Array(ArrayBuffer.fromString("<a/>".repeat(250)));
  for (let i = 0; i < 64; i += 1) response.write(filler);
  assert(!response.done);
  for (let i = 0; i < 3; i += 1) response.write(filler);
  equal([response.complete, response.headers["etag"], response.elements.Code?.length], [true, undefined, 240]);
});

test("texts are reduced to printable ASCII", () => {
  equal(parse(errorAnswer(400, "a\u0007\u00e9")).elements.Code, "a ??");
});

test("the first of two elements of a name counts", () => {
  equal(
    parse(errorAnswer(403, "AccessDenied", "m", "<Inner><Code>Other</Code></Inner>")).elements.Code,
    "AccessDenied",
  );
});

test("a page that is no error document has no elements", () => {
  const body = "<!DOCTYPE html><html><head><title>502</title></head><body class='a'>Code</body></html>";
  const response = parse(`HTTP/1.1 502 Bad Gateway\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  equal([response.complete, response.elements], [true, {}]);
});

test("secrets that S3 repeats in its error are not kept", () => {
  const elements =
    "<StringToSign>AWS4-HMAC-SHA256 SECRET</StringToSign><CanonicalRequest>PUT SECRET</CanonicalRequest>";
  const response = parse(errorAnswer(403, "SignatureDoesNotMatch", "m", elements));
  assert(!JSON.stringify(response.elements).includes("SECRET"));
});

test("a head of 16 KB is the longest that is read", () => {
  const bytes = (text: string) => new Uint8Array(ArrayBuffer.fromString(text));
  const begin = bytes("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n");
  const line = bytes(`x: ${"y".repeat(95)}\r\n`);
  /** Piece by piece: as a whole it is more than the machine of the tests has. */
  const head = (length: number) => {
    const response = new HTTPResponse();
    response.write(begin);
    let left = length - begin.length;
    for (; left > 2 * line.length; left -= line.length) response.write(line);
    response.write(bytes(`z: ${"y".repeat(left - 7)}\r\n\r\n`));
    return response;
  };
  equal([head(16_384).complete, head(16_385).error], [true, "ResponseTooLarge"]);
});

test("what an interim answer says is not the answer's", () => {
  const { headers } = parse('HTTP/1.1 100 Continue\r\nETag: "x"\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
  equal({ ...headers }, { "content-length": "0" });
});

test("a line of 512 characters is kept, a longer one is not", () => {
  const etag = (length: number) =>
    parse(`HTTP/1.1 200 OK\r\nETag: ${"e".repeat(length - 6)}\r\nContent-Length: 0\r\n\r\n`).headers["etag"];
  equal([etag(512)?.length, etag(513)], [506, undefined]);
});

test("elements may have attributes, and white space of any kind around what they say", () => {
  const body =
    '<?xml version="1.0"?>\n<Error xmlns="http://s3.amazonaws.com/doc/">\n<Code\n>\tSlowDown \n</Code ></Error >';
  equal(parse(`HTTP/1.1 503 X\r\nContent-Length: ${body.length}\r\n\r\n${body}`).elements.Code, "SlowDown");
});

test("the longest length of a body has twelve digits, that of a chunk eight", () => {
  const { error, done } = parse("HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n");
  equal([error, done], [undefined, false]);
  equal(parse("HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n").error, "MalformedResponse");
  const chunk = (size: string) => parse(`HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n${size}\r\n`).error;
  equal(
    [chunk("ffffffff"), chunk("100000000"), chunk("1 ;a"), chunk("")],
    [undefined, "MalformedResponse", undefined, "MalformedResponse"],
  );
});
