import type { ErrorElements } from "../../../modules/upload/error-document";
import { Upload } from "../../../modules/upload/uploader";
import { type Action, judgeAnswer, rows } from "../../../modules/upload/verdict";
import { assert, equal, test } from "../harness";
import { ManualTimers } from "./manual-timers";
import { errorAnswer, ok, Rig, url } from "./store-script";
import { isWholeFrame, SyntheticFrame } from "./synthetic-frame";

const statusOf: Record<Action, string> = {
  stored: "stored",
  retry: "failed",
  newURL: "needURL",
  retake: "needRetake",
  stop: "failed",
  bug: "failed",
};

/** All of the request goes out, and so much comes back. */
function answered(rig: Rig, answer: string): void {
  rig.connection.drain(5744);
  rig.connection.answer(answer);
}

for (const { code, status, message = "", element } of rows) {
  const elements = element ? `<${element}>x-amz-acl</${element}>` : "";

  test(`${status} ${code} ${message}${element ?? ""}: before, during and after the body`, async () => {
    const document: ErrorElements = { Code: code, Message: message };
    if (element) document[element] = "x-amz-acl";
    const { action, retries = 3 } = judgeAnswer(status, document);
    for (const sent of [100, 900, 100_000]) {
      const rig = new Rig();
      for (let attempt = 1; ; attempt += 1) {
        rig.connection.drain(500, sent);
        rig.connection.answer(errorAnswer(status, code, message, elements), 7);
        if (action !== "retry" || attempt > retries) break;
        assert(rig.connection.closed, "left open while waiting");
        rig.timers.advance(20_000);
        equal(rig.connections.length, attempt + 1, "no new connection");
      }
      const result = await rig.finish();
      equal([result.status, result.code, result.action], [statusOf[action], code, action]);
      equal([result.httpStatus, result.requestId, result.frameIntact], [status, "7A", true]);
      equal(result.attempts, action === "retry" ? retries + 1 : 1);
    }
  });
}

test("an answer cut at every byte: known by its head, or asked for again", { timeout: 60_000 }, async () => {
  for (const answer of [ok, errorAnswer(403, "AccessDenied", "Request has expired")]) {
    const headLength = answer.indexOf("\r\n\r\n") + 4;
    const codeLength = answer.indexOf("</Code>") + 7;
    for (let length = 0; length < answer.length; length += 1) {
      const rig = new Rig({ backoff: { attempts: 1 } });
      rig.connection.drain(5744);
      rig.connection.answer(answer.slice(0, length));
      rig.connection.end();
      const result = await rig.finish();
      if (length < headLength) {
        equal([result.status, result.code, result.action], ["failed", "ConnectionLost", "retry"], `cut at ${length}`);
        equal([result.uncertain, result.httpStatus], [true, 0]);
      } else {
        equal(
          [result.httpStatus, result.code],
          [403, length < codeLength ? "HTTP 403" : "AccessDenied"],
          `cut at ${length}`,
        );
        equal(result.uncertain, false);
      }
    }
  }
});

test("the request cut at every byte: sent again whole over a new connection", { timeout: 60_000 }, async () => {
  const whole = new Rig();
  whole.connection.drain(5744);
  const total = whole.connection.sent.length;
  whole.upload.close();
  for (let length = 0; length < total; length += length % 100 === 0 || length > total - 5 ? 1 : 33) {
    const rig = new Rig();
    rig.connection.drain(211, length);
    rig.connection.end("ECONNRESET");
    equal(rig.connection.sent.length, length);
    rig.timers.advance(20_000);
    rig.connection.drain(5744);
    assert(isWholeFrame(rig.connection.body, 1000), `cut at ${length}`);
    rig.connection.answer(ok);
    const result = await rig.finish();
    equal([result.status, result.attempts, rig.connections.length], ["stored", 2, 2]);
  }
  await whole.finish();
});

test("two 503, then stored: growing waits, new connections", async () => {
  const rig = new Rig();
  const started: number[] = [];
  for (let attempt = 0; attempt < 3; attempt += 1) {
    started.push(rig.timers.now);
    rig.connection.drain(5744);
    rig.connection.answer(attempt < 2 ? errorAnswer(503, "SlowDown", "Please reduce your request rate.") : ok);
    while (rig.connection.closed && attempt < 2) rig.timers.advance(100);
  }
  const result = await rig.finish();
  equal([result.status, result.attempts, rig.retries], ["stored", 3, ["SlowDown", "SlowDown"]]);
  equal([started[1] - started[0], started[2] - started[1]], [2000, 4000]);
  equal(rig.frame.rewinds, 2);
});

test("Retry-After is obeyed", async () => {
  const rig = new Rig();
  rig.connection.drain(5744);
  rig.connection.answer("HTTP/1.1 503 X\r\nRetry-After: 9\r\nContent-Length: 0\r\n\r\n");
  rig.timers.advance(8900);
  equal(rig.connections.length, 1);
  rig.timers.advance(200);
  equal(rig.connections.length, 2);
  rig.upload.close();
  await rig.finish();
});

test("a frame that cannot be read twice: another picture is needed, unless no byte of it was taken", async () => {
  const frame = () => new SyntheticFrame(1000, { rewindable: false });
  const taken = new Rig({ frame: frame() });
  taken.connection.drain(5744, 800);
  taken.connection.answer(errorAnswer(503, "SlowDown"));
  const result = await taken.finish();
  equal([result.status, result.code, result.frameIntact, result.attempts], ["needRetake", "SlowDown", false, 1]);

  const untouched = new Rig({ frame: frame(), expectContinue: true });
  untouched.connection.drain(5744);
  untouched.connection.answer(errorAnswer(503, "SlowDown"));
  untouched.timers.advance(5000);
  untouched.connection.drain(5744);
  untouched.connection.answer("HTTP/1.1 100 Continue\r\n\r\n");
  untouched.connection.drain(5744);
  assert(isWholeFrame(untouched.connection.body, 1000));
  untouched.connection.answer(ok);
  equal([(await untouched.finish()).status, untouched.connections.length], ["stored", 2]);

  const expired = new Rig({ frame: frame() });
  expired.connection.drain(5744, 800);
  expired.connection.answer(errorAnswer(403, "AccessDenied", "Request has expired"));
  const other = await expired.finish();
  equal([other.status, other.frameIntact], ["needURL", false]);
});

test("a frame that was read before: rewound, or refused", async () => {
  const half = new SyntheticFrame(1000);
  half.read(new Uint8Array(300));
  const rig = new Rig({ frame: half });
  rig.connection.drain(5744);
  assert(isWholeFrame(rig.connection.body, 1000));
  rig.upload.close();
  await rig.finish();

  const gone = new SyntheticFrame(1000, { rewindable: false });
  gone.read(new Uint8Array(300));
  const refused = new Rig({ frame: gone });
  const result = await refused.finish();
  equal([result.status, result.code, refused.connections.length], ["needRetake", "FrameNotRewindable", 0]);
});

test("a picture that is cut: not all of it goes out, and another one is wanted", async () => {
  for (const rewindable of [false, true]) {
    const frame = new SyntheticFrame(1000, { failsAt: 600, piece: 200, rewindable, code: "IncompleteFrame" });
    const rig = new Rig({ frame });
    rig.connection.drain(5744);
    assert(rig.connection.closed);
    equal(rig.connection.body.length, 600);
    const { status, code, action, attempts, uncertain, frameIntact } = await rig.finish();
    equal([status, code, action, attempts], ["needRetake", "IncompleteFrame", "retake", 1]);
    equal([uncertain, frameIntact, rig.retries], [false, rewindable, []]);
  }
});

for (const [name, options, code] of [
  ["ends early", { endsAfter: 600 }, "FrameEndedEarly"],
  ["fails", { failsAt: 600, piece: 200 }, "FrameError"],
] as const) {
  test(`a frame that ${name}: the connection is closed, nothing is padded, one more try`, async () => {
    const rig = new Rig({ frame: new SyntheticFrame(1000, options) });
    for (let attempt = 0; attempt < 2; attempt += 1) {
      rig.connection.drain(150);
      assert(rig.connection.closed);
      equal(rig.connection.body.length, 600);
      rig.timers.advance(20_000);
    }
    const result = await rig.finish();
    equal([result.status, result.code, result.attempts], ["failed", code, 2]);
  });
}

test("bounded waits", async () => {
  const prepare: [code: string, limit: number, step: (rig: Rig) => void][] = [
    ["ConnectTimeout", 20_000, () => {}],
    ["SendTimeout", 15_000, (rig) => rig.connection.drain(100, 700)],
    ["AnswerTimeout", 30_000, (rig) => rig.connection.drain(5744)],
    ["AnswerTimeout", 30_000, (rig) => answered(rig, "HTTP/1.1 200 OK\r\nETag:")],
  ];
  for (const [code, limit, step] of prepare) {
    const rig = new Rig({ backoff: { attempts: 1 } });
    step(rig);
    rig.timers.advance(limit - 1);
    equal(rig.result, undefined);
    assert(!rig.connection.closed, `${code} too early`);
    rig.timers.advance(limit / 4 + 10);
    const result = await rig.finish();
    equal([result.status, result.code, result.action], ["failed", code, "retry"]);
  }
});

test("a connection that takes a byte now and then is not stalled, but an attempt has an end", async () => {
  const rig = new Rig({ backoff: { attempts: 1 }, limits: { attempt: 100_000 } });
  for (let at = 0; at < 99_000; at += 9000) {
    rig.connection.drain(1, rig.connection.sent.length + 1);
    assert(!rig.connection.closed);
    rig.timers.advance(9000);
  }
  rig.timers.advance(1000);
  equal((await rig.finish()).code, "AttemptTimeout");
});

test("a broken write: the answer counts if there is one", async () => {
  const refused = new Rig();
  refused.connection.drain(5744, 700);
  refused.connection.broken = true;
  refused.connection.drain(5744);
  refused.connection.answer(errorAnswer(403, "AccessDenied", "Request has expired"));
  equal((await refused.finish()).status, "needURL");

  const silent = new Rig({ backoff: { attempts: 1 } });
  silent.connection.drain(5744, 700);
  silent.connection.broken = true;
  silent.connection.drain(5744);
  silent.timers.advance(4000);
  equal((await silent.finish()).code, "EPIPE");
});

test("connections that fail at once", async () => {
  const thrown = new Rig({
    backoff: { attempts: 2 },
    connect: () => {
      throw new Error("no socket left");
    },
  });
  thrown.timers.advance(20_000);
  const result = await thrown.finish();
  equal(
    [result.status, result.code, result.message, result.attempts],
    ["failed", "ConnectFailed", "no socket left", 2],
  );

  let closed = 0;
  const early = new Rig({
    backoff: { attempts: 1 },
    connect: (_, __, handlers) => {
      handlers.onError(Object.assign(new Error("x"), { code: "HostNotFound" }));
      return { write: () => 0, read: () => undefined, close: () => (closed += 1) };
    },
  });
  equal([(await early.finish()).code, closed], ["HostNotFound", 1]);
});

test("a server that cannot be trusted is not asked again", async () => {
  for (const code of ["UnknownCA", "NameMismatch", "Expired"]) {
    const rig = new Rig();
    rig.connection.end(code);
    const result = await rig.finish();
    equal([result.status, result.code, result.action, rig.connections.length], ["failed", code, "stop", 1]);
    equal([result.frameIntact, rig.frame.reads], [true, 0]);
  }
});

test("something that is not HTTP", async () => {
  const rig = new Rig({ backoff: { attempts: 1 } });
  rig.connection.drain(5744);
  rig.connection.answer("SSH-2.0-OpenSSH\r\n");
  equal((await rig.finish()).code, "MalformedResponse");
});

test("closed at any time: one result, nothing left behind", async () => {
  const moments: ((rig: Rig) => void)[] = [
    () => {},
    (rig) => rig.connection.drain(100, 50),
    (rig) => rig.connection.drain(100, 900),
    (rig) => rig.connection.drain(5744),
    (rig) => answered(rig, "HTTP/1.1 200"),
    (rig) => answered(rig, errorAnswer(503, "SlowDown")),
  ];
  for (const moment of moments) {
    const rig = new Rig();
    moment(rig);
    rig.upload.close();
    rig.upload.close();
    const result = await rig.finish();
    equal([result.status, result.code, result.frameIntact], ["closed", "Closed", true]);
  }
  const late = new Rig();
  late.connection.drain(5744);
  late.connection.answer(ok);
  late.upload.close();
  equal((await late.finish()).status, "stored");
});

test("closed before it has begun: no connection", async () => {
  const timers = new ManualTimers();
  const upload = new Upload({ url, frame: new SyntheticFrame(10), timers, connect: () => assert(false) as never });
  upload.close();
  timers.advance(1000);
  equal([(await upload.result).status, timers.running], ["closed", 0]);
});

test("closed from within its own callbacks", async () => {
  for (const moment of [1, 400, 1000]) {
    const rig: Rig = new Rig({ onProgress: (sent) => sent >= moment && rig.upload.close() });
    rig.connection.drain(100);
    equal((await rig.finish()).status, "closed");
  }
  const retried: Rig = new Rig({ onRetry: () => retried.upload.close() });
  retried.connection.drain(5744);
  retried.connection.answer(errorAnswer(503, "SlowDown"));
  equal([(await retried.finish()).status, retried.connections.length], ["closed", 1]);
});

test("callbacks after the end are harmless", async () => {
  const rig = new Rig();
  const { connection } = rig;
  connection.drain(5744);
  connection.answer(ok);
  const result = await rig.finish();
  equal(result.status, "stored");
  connection.handlers.onWritable(100);
  connection.handlers.onReadable(100);
  connection.handlers.onError(new Error("late"));
  equal(await rig.finish(), result);
});

test("an answer that cannot be read is a lost connection, unless there is a name for it", async () => {
  for (const [code, expected] of [
    [undefined, "ConnectionLost"],
    ["BadRecord", "BadRecord"],
  ] as const) {
    const rig = new Rig({ backoff: { attempts: 1 } });
    rig.connection.drain(5744);
    const value = () => {
      throw Object.assign(new Error("x"), { code });
    };
    Object.defineProperty(rig.connection, "read", { value });
    rig.connection.answer("HTTP/1.1 200 OK");
    equal((await rig.finish()).code, expected);
  }
});
