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

test("If-None-Match: 412 means that the object is there", () => {
  equal(judgeAnswer(412, { Code: "PreconditionFailed" }, true), { action: "stored", code: "PreconditionFailed" });
  equal(judgeAnswer(412, {}, true).action, "stored");
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

test("failures: a server that cannot be trusted is not asked again, a broken connection is", () => {
  for (const code of ["UnknownCA", "NameMismatch", "Expired", "NotYetValid", "NoTime", "ProtocolVersion"]) {
    equal(judgeFailure(code), { action: "stop", code });
  }
  for (const code of ["ConnectionLost", "ConnectTimeout", "HandshakeTimeout", "PeerAlert", "HostNotFound", ""]) {
    equal(judgeFailure(code), { action: "retry", code });
  }
  equal(judgeFailure("FrameEndedEarly"), { action: "retry", code: "FrameEndedEarly", retries: 1 });
});
