import type { TLSErrorCode } from "../../../modules/network/tls-error";
import type { ErrorElements } from "../../../modules/upload/error-document";
import { type Action, judgeAnswer, judgeFailure, rows } from "../../../modules/upload/verdict";
import { assert, equal, test } from "../harness";

/** The S3 API's table of errors, and what a device has to do. */
const answers: [status: number, action: Action, elements: ErrorElements][] = [
  [403, "newURL", { Code: "AccessDenied", Message: "Request has expired" }],
  [403, "newURL", { Code: "AccessDenied", Message: "Request is not valid yet" }],
  [403, "newURL", { Code: "AccessDenied", Message: "Request is not yet valid" }],
  [403, "bug", { Code: "AccessDenied", Message: "There were headers present in the request which were not signed" }],
  [403, "bug", { Code: "AccessDenied", Message: "", HeadersNotSigned: "x-amz-acl" }],
  [403, "stop", { Code: "AccessDenied", Message: "Access Denied" }],
  [403, "stop", { Code: "AccessDenied" }],
  [403, "newURL", { Code: "ExpiredRequest" }],
  [403, "bug", { Code: "SignatureDoesNotMatch" }],
  [403, "newURL", { Code: "RequestTimeTooSkewed" }],
  [403, "newURL", { Code: "InvalidAccessKeyId" }],
  [400, "newURL", { Code: "ExpiredToken" }],
  [400, "newURL", { Code: "InvalidToken" }],
  [400, "newURL", { Code: "TokenRefreshRequired" }],
  [400, "newURL", { Code: "AuthorizationQueryParametersError" }],
  [400, "bug", { Code: "AuthorizationHeaderMalformed" }],
  [400, "retry", { Code: "BadDigest" }],
  [400, "bug", { Code: "InvalidDigest" }],
  [400, "retry", { Code: "IncompleteBody" }],
  [400, "retry", { Code: "RequestTimeout" }],
  [400, "stop", { Code: "EntityTooLarge" }],
  [400, "stop", { Code: "EntityTooSmall" }],
  [400, "stop", { Code: "InvalidRequest" }],
  [400, "stop", { Code: "KeyTooLongError" }],
  [411, "bug", { Code: "MissingContentLength" }],
  [501, "bug", { Code: "NotImplemented", Header: "Transfer-Encoding" }],
  [404, "stop", { Code: "NoSuchBucket" }],
  [404, "stop", { Code: "NoSuchKey" }],
  [404, "stop", { Code: "NoSuchUpload" }],
  [405, "bug", { Code: "MethodNotAllowed" }],
  [409, "retry", { Code: "OperationAborted" }],
  [409, "retry", { Code: "ConditionalRequestConflict" }],
  [412, "stop", { Code: "PreconditionFailed" }],
  [301, "newURL", { Code: "PermanentRedirect", Endpoint: "s3.eu-west-1.amazonaws.com" }],
  [307, "newURL", { Code: "TemporaryRedirect" }],
  [500, "retry", { Code: "InternalError" }],
  [503, "retry", { Code: "SlowDown" }],
  [503, "retry", { Code: "ServiceUnavailable" }],
];

for (const [status, action, elements] of answers) {
  test(`${status} ${elements.Code} ${elements.Message ?? ""}: ${action}`, () => {
    const verdict = judgeAnswer(status, elements);
    equal([verdict.action, verdict.code], [action, elements.Code]);
  });
}

test("every row of the table is reached by one of these", () => {
  const codes = answers.map(([, , elements]) => elements.Code);
  for (const row of rows) assert(codes.includes(row.code), row.code);
  for (const [status, , { Code }] of answers) {
    const row = rows.find((one) => one.code === Code);
    assert(!row || row.status === status, `${Code} with ${row?.status}`);
  }
});

test("If-None-Match: 412 is stored where an attempt before may have done it, else a failure with a name", () => {
  const code = "PreconditionFailed";
  for (const elements of [{ Code: code }, {}]) {
    equal(judgeAnswer(412, elements, { createOnly: true, mayBeThere: true }), { action: "stored", code });
    equal(judgeAnswer(412, elements, { createOnly: true }), { action: "stop", code });
  }
  equal(judgeAnswer(412, {}, { mayBeThere: true }), { action: "stop", code: "HTTP 412" });
});

test("AccessDenied when the URL's time is over means a dead URL, whatever its words", () => {
  for (const elements of [{}, { Message: "Access Denied" }, { Message: "", HeadersNotSigned: "x-amz-acl" }]) {
    const denied = { Code: "AccessDenied", ...elements };
    equal(judgeAnswer(403, denied, { isExpired: true }).action, "newURL");
    assert(judgeAnswer(403, denied, { isExpired: false }).action !== "newURL");
  }
  equal(judgeAnswer(403, { Code: "SignatureDoesNotMatch" }, { isExpired: true }).action, "bug");
});

test("BadDigest for a checksum that came with the grant is not mended by sending the same again", () => {
  equal(judgeAnswer(400, { Code: "BadDigest" }, { hasChecksum: true }), { action: "bug", code: "BadDigest" });
});

test("names that every object has are codes like any other", () => {
  for (const Code of ["constructor", "__proto__", "toString", "hasOwnProperty", "valueOf"]) {
    equal(judgeAnswer(503, { Code }), { action: "retry", code: Code });
    equal(judgeFailure(Code), { action: "retry", code: Code });
  }
});

const byStatus: [Action, number[]][] = [
  ["stored", [200, 201, 204]],
  ["newURL", [300, 302, 308, 401, 403]],
  ["retry", [408, 409, 417, 421, 425, 429, 500, 502, 503, 504, 599]],
  ["stop", [400, 402, 404, 410, 413, 451, 507]],
  ["bug", [405, 411, 501, 505]],
];

for (const [action, statuses] of byStatus) {
  for (const status of statuses) {
    test(`${status} with an unknown code, or none: ${action}`, () => {
      equal(judgeAnswer(status, { Code: "SomethingNew" }).action, action);
      const code = action === "stored" ? "" : `HTTP ${status}`;
      equal([judgeAnswer(status, {}).action, judgeAnswer(status, {}).code], [action, code]);
    });
  }
}

test("a damaged body is sent again once, and once only", () =>
  equal(judgeAnswer(400, { Code: "BadDigest" }).retries, 1));

/** All that a TLS connection can end with: whether the same is tried again. */
const tlsFailures: Record<TLSErrorCode, Action> = {
  UnknownCA: "stop",
  BadChain: "stop",
  NameMismatch: "stop",
  Expired: "stop",
  NotYetValid: "stop",
  WeakKey: "stop",
  BadCertificate: "stop",
  PeerAlert: "retry",
  ProtocolVersion: "stop",
  NoApplicationProtocol: "stop",
  HandshakeFailure: "stop",
  BadRecord: "retry",
  HandshakeTimeout: "retry",
  ConnectionFailed: "retry",
  ConnectionClosed: "retry",
  ConnectionLost: "retry",
  NoTime: "stop",
  BadTime: "stop",
  BadRoots: "stop",
  BadClientCertificate: "stop",
  BadKey: "stop",
  BadOptions: "stop",
  OutOfMemory: "retry",
  InternalError: "retry",
  CallbackFailed: "retry",
};

for (const [code, action] of Object.entries(tlsFailures))
  test(`TLS failure ${code}: ${action}`, () => equal(judgeFailure(code), { action, code }));

test("alerts: what the server will say again is not asked again", () => {
  for (const alert of [40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 70, 71, 86, 109, 110, 112, 116, 120])
    equal(judgeFailure("PeerAlert", alert).action, "stop", `alert ${alert}`);
  for (const alert of [0, 10, 20, 22, 51, 80, 90, 100, undefined])
    equal(judgeFailure("PeerAlert", alert).action, "retry", `alert ${alert}`);
  equal(judgeFailure("ConnectionLost", 40).action, "retry");
});

test("other failures are tried again, those of the frame once", () => {
  for (const code of ["ConnectTimeout", "HostNotFound", ""]) equal(judgeFailure(code), { action: "retry", code });
  for (const code of ["FrameEndedEarly", "FrameError"])
    equal(judgeFailure(code), { action: "retry", code, retries: 1 });
});
