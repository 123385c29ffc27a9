import { jobsFilters } from "../../../modules/cloud/jobs";
import { assert, equal, test } from "../harness";
import { Bench, done, execution } from "./jobs-bench";

test("one topic: answers come without", () => {
  equal(jobsFilters("camera"), [{ topic: "$aws/things/camera/jobs/notify-next", QoS: 1 }]);
});

test("nothing is sent before the topic is granted, nor without a connection", () => {
  const bench = new Bench();
  bench.jobs.connected();
  bench.notify();
  equal(bench.sent.length, 0);
  bench.jobs.grant(true);
  equal(bench.operations, "start-next");
  bench.jobs.disconnected();
  equal(bench.timers.running, 0);
  bench.notify();
  equal(bench.sent.length, 1);
  bench.jobs.connected();
  equal(bench.operations, "start-next,start-next");
  bench.jobs.grant(false);
  bench.jobs.disconnected();
  bench.jobs.connected();
  equal(bench.sent.length, 2);
});

test("nothing is pending: no execution, or an empty one, and then silence", () => {
  for (const nothing of [{}, { execution: {} }]) {
    const bench = new Bench().open();
    bench.answer("accepted", nothing);
    bench.say("notify-next", { timestamp: 1, ...nothing });
    bench.timers.advance(3_600_000);
    equal(bench.operations, "start-next");
    equal(bench.timers.running, 0);
    equal(bench.failures, []);
  }
});

test("ask, do, report, and ask for the next", () => {
  const bench = new Bench().open();
  bench.start();
  const [{ jobId, versionNumber, executionNumber, document }] = bench.begun;
  equal([jobId, versionNumber, executionNumber], ["job-1", 2, 7]);
  equal({ ...document }, { operation: "echo", message: "hello" });
  const { operation, request } = bench.last;
  equal(operation, "job-1/update");
  equal(request, { ...done, expectedVersion: 2, executionNumber: 7, clientToken: request.clientToken });
  equal(bench.jobs.current, "job-1");
  bench.answer("accepted");
  equal(bench.ended, ["job-1 SUCCEEDED"]);
  equal(bench.operations, "start-next,job-1/update,start-next");
  bench.start("job-2");
  bench.answer("accepted");
  bench.answer("accepted");
  equal(bench.ended, ["job-1 SUCCEEDED", "job-2 SUCCEEDED"]);
  equal(bench.jobs.current, undefined);
  equal(bench.timers.running, 0);
  const tokens = bench.sent.map(({ request: { clientToken } }) => clientToken);
  equal(new Set(tokens).size, tokens.length);
});

test("a notification while nothing is to be done starts the next job; repetitions of it start nothing", () => {
  const bench = new Bench().open();
  bench.answer("accepted");
  bench.notify();
  bench.notify();
  equal(bench.operations, "start-next,start-next");
  bench.start();
  bench.notify();
  bench.answer("accepted");
  bench.answer("accepted");
  equal(bench.ended, ["job-1 SUCCEEDED"]);
  equal(bench.operations, "start-next,start-next,job-1/update,start-next");
});

test("a notification that overtakes the answer is not lost", () => {
  const bench = new Bench().open();
  bench.notify();
  bench.answer("accepted");
  equal(bench.operations, "start-next,start-next");
  bench.answer("accepted");
  equal(bench.sent.length, 2);
});

test("another job is queued while one is done: it waits", () => {
  const bench = new Bench().open();
  bench.result = undefined;
  bench.start("job-1");
  bench.notify("job-2");
  bench.say("notify-next", { timestamp: 1 });
  equal(bench.operations, "start-next");
  bench.jobs.complete("job-2", done);
  equal(bench.operations, "start-next");
  bench.jobs.complete("job-1", done);
  bench.jobs.complete("job-1", { status: "FAILED" });
  equal(bench.last.request.status, "SUCCEEDED");
  bench.answer("accepted");
  equal(bench.operations, "start-next,job-1/update,start-next");
});

test("answers of others, late ones, and those that come twice", () => {
  const bench = new Bench().open();
  const token = bench.last.request.clientToken;
  bench.say("start-next/accepted", { clientToken: "somebody", execution: execution("job-9") });
  bench.say("start-next/accepted", { execution: execution("job-9") });
  equal(bench.begun.length, 0);
  bench.start();
  bench.say("start-next/accepted", { clientToken: token, execution: execution("job-1") });
  bench.say("job-1/update/accepted", { clientToken: token });
  equal(bench.begun.length, 1);
  equal(bench.ended, []);
  const late = bench.last.request.clientToken;
  bench.answer("accepted");
  bench.say("job-1/update/accepted", { clientToken: late });
  equal(bench.ended.length, 1);
});

test("a device that was restarted gets its job again, and does it again", () => {
  const bench = new Bench().open();
  bench.start("job-1", { versionNumber: 5, statusDetails: { progress: "half" } });
  equal(bench.last.request.expectedVersion, 5);
  bench.answer("accepted");
  equal(bench.ended, ["job-1 SUCCEEDED"]);
});

test("the connection is lost in the middle of a job: the result is reported on the next one", () => {
  const bench = new Bench().open();
  bench.result = undefined;
  bench.start();
  bench.jobs.disconnected();
  bench.jobs.complete("job-1", done);
  equal(bench.operations, "start-next");
  bench.jobs.connected();
  equal(bench.last.operation, "job-1/update");
  bench.jobs.disconnected();
  equal(bench.timers.running, 0);
  bench.jobs.connected();
  equal(bench.operations, "start-next,job-1/update,job-1/update");
  bench.answer("accepted");
  equal(bench.ended, ["job-1 SUCCEEDED"]);
  equal(bench.begun.length, 1);
});

test("somebody else has updated the execution: again with the version that it has now", () => {
  const bench = new Bench().open();
  bench.start();
  bench.answer("rejected", {
    code: "VersionMismatch",
    message: "x",
    executionState: { status: "IN_PROGRESS", statusDetails: { a: "b" }, versionNumber: 9 },
  });
  equal(bench.last.operation, "job-1/update");
  equal(bench.last.request.expectedVersion, 9);
  bench.answer("accepted");
  equal(bench.ended, ["job-1 SUCCEEDED"]);
});

test("the version changes again and again: given up, by name", () => {
  const bench = new Bench().open();
  bench.start();
  for (let version = 3; version < 7; version += 1)
    bench.answer("rejected", {
      code: "VersionMismatch",
      executionState: { status: "IN_PROGRESS", versionNumber: version },
    });
  equal(bench.sent.length, 5);
  equal(bench.failures.length, 1);
  assert(bench.failures[0].startsWith("Rejected"), bench.failures[0]);
  bench.notify();
  equal(bench.last.operation, "start-next");
});

for (const [code, executionState, told] of [
  ["VersionMismatch", { status: "CANCELED", versionNumber: 3 }, "CANCELED"],
  ["InvalidStateTransition", { status: "TIMED_OUT", versionNumber: 3 }, "InvalidStateTransition"],
  ["TerminalStateReached", undefined, "TerminalStateReached"],
  ["ResourceNotFound", undefined, "ResourceNotFound"],
] as const)
  test(`the job is gone (${code}): that is told, and the next one is asked for`, () => {
    const bench = new Bench().open();
    bench.start();
    bench.answer("rejected", { code, message: "x", executionState });
    equal(bench.ended, [`job-1 SUCCEEDED ${told}`]);
    equal(bench.operations, "start-next,job-1/update,start-next");
    equal(bench.failures, []);
  });

test("details that are refused do not keep the status from being reported", () => {
  const bench = new Bench().open();
  bench.start();
  bench.answer("rejected", { code: "InvalidRequest", message: "statusDetails" });
  equal(bench.last.request.status, "SUCCEEDED");
  equal(bench.last.request.statusDetails, undefined);
  bench.answer("rejected", { code: "InvalidRequest", message: "again" });
  equal(bench.failures, ["Rejected: reporting was rejected with InvalidRequest"]);
  equal(bench.timers.running, 0);
});

for (const code of ["InternalError", "RequestThrottled"])
  test(`${code}: again, with growing pauses, and not for ever`, () => {
    const bench = new Bench().open();
    for (const pause of [2000, 4000, 8000]) {
      const { length } = bench.sent;
      bench.answer("rejected", { code });
      bench.timers.advance(pause - 1);
      equal(bench.sent.length, length);
      bench.timers.advance(1);
      equal(bench.sent.length, length + 1);
    }
    bench.answer("rejected", { code });
    equal(bench.failures.length, 1);
    equal(bench.timers.running, 0);
    bench.notify();
    equal(bench.last.operation, "start-next");
  });

test("no answer: four times, ten seconds each", () => {
  const bench = new Bench().open();
  bench.timers.advance(39_999);
  equal(bench.sent.length, 4);
  equal(bench.failures, []);
  bench.timers.advance(1);
  equal(bench.failures, ["NoAnswer: asking was not answered, 4 times"]);
  equal(bench.timers.running, 0);
  const offline = new Bench();
  offline.offline = true;
  offline.open();
  offline.timers.advance(40_000);
  equal(offline.failures.length, 1);
});

test("an answer that may stand behind messages that wait is awaited for as long as they do", () => {
  const bench = new Bench().open();
  bench.isBehind = true;
  bench.timers.advance(600_000);
  equal([bench.sent.length, bench.failures.length, bench.timers.running], [1, 0, 1]);
  bench.isBehind = false;
  bench.timers.advance(40_000);
  equal([bench.sent.length, bench.failures], [4, ["NoAnswer: asking was not answered, 4 times"]]);
});

test("one timer at a time, whatever comes next", () => {
  const bench = new Bench().open();
  bench.result = undefined;
  equal(bench.timers.running, 1, "asking");
  bench.start();
  equal(bench.timers.running, 1, "working");
  bench.jobs.complete("job-1", done);
  equal(bench.timers.running, 1, "reporting");
  bench.answer("rejected", { code: "RequestThrottled" });
  equal(bench.timers.running, 1, "waiting for the next attempt");
  bench.timers.advance(2000);
  equal([bench.timers.running, bench.last.operation], [1, "job-1/update"], "reporting again");
  bench.answer("accepted");
  equal([bench.timers.running, bench.last.operation], [1, "start-next"], "asking for the next");
  bench.say("start-next/accepted", "{");
  equal([bench.timers.running, bench.last.operation], [1, "$next/get"], "describing");
  bench.answer("accepted", {});
  equal(bench.timers.running, 0, "nothing to do");
  bench.timers.advance(3_600_000);
  equal(bench.failures, []);
});

test("a job that is never done is FAILED after ten minutes", () => {
  const bench = new Bench().open();
  bench.result = undefined;
  bench.start();
  bench.timers.advance(599_999);
  equal(bench.sent.length, 1);
  bench.timers.advance(1);
  equal(bench.last.request.status, "FAILED");
  equal(bench.last.request.statusDetails, { reason: "it took too long" });
  bench.jobs.complete("job-1", done);
  bench.answer("accepted");
  equal(bench.ended, ["job-1 FAILED"]);
});

test("an operation that throws makes its job FAILED, with no more words than AWS takes", () => {
  const bench = new Bench().open();
  bench.problem = new Error("x".repeat(500));
  bench.start();
  equal(bench.last.request.status, "FAILED");
  equal(bench.last.request.statusDetails, { reason: "x".repeat(128) });
});

for (const payload of [
  "",
  "{",
  "[]",
  "null",
  '{"execution":1}',
  '{"execution":{"jobId":"a/b"}}',
  '{"execution":{"jobId":7}}',
])
  test(`an answer that makes no sense: ${payload || "nothing"}`, () => {
    const bench = new Bench().open();
    const { clientToken } = bench.last.request;
    bench.say("start-next/rejected", payload);
    equal(bench.failures.length, 1);
    bench.say("start-next/accepted", payload.replace("{", `{"clientToken":"${clientToken}",`));
    equal(bench.begun.length, 0);
    bench.timers.advance(60_000);
    equal(bench.timers.running, 0);
  });

test("closed: no timer is left, and nothing happens any more", () => {
  const bench = new Bench().open();
  bench.result = undefined;
  bench.start();
  bench.jobs.close();
  equal(bench.timers.running, 0);
  bench.jobs.complete("job-1", done);
  bench.notify();
  equal(bench.sent.length, 1);
});

test("an operation that throws without a word has an unknown reason", () => {
  const bench = new Bench().open();
  bench.problem = new Error("");
  bench.start();
  equal(bench.last.request.statusDetails, { reason: "unknown" });
});

test("refused details count as an attempt like any other", () => {
  const bench = new Bench().open();
  bench.start();
  for (const pause of [2000, 4000, 8000]) {
    bench.answer("rejected", { code: "RequestThrottled" });
    bench.timers.advance(pause);
  }
  bench.answer("rejected", { code: "InvalidRequest" });
  equal(bench.failures, ["Rejected: reporting was rejected with InvalidRequest, 4 times"]);
});

test("an execution that has come to an end by somebody else's hand is not reported again", () => {
  for (const status of ["SUCCEEDED", "FAILED", "REJECTED", "TIMED_OUT", "REMOVED", "CANCELED"]) {
    const bench = new Bench().open();
    bench.start();
    bench.answer("rejected", { code: "VersionMismatch", executionState: { status, versionNumber: 3 } });
    equal([bench.ended, bench.last.operation], [[`job-1 SUCCEEDED ${status}`], "start-next"]);
  }
});

test("attempts count for one exchange, and the next one has all of them", () => {
  const bench = new Bench().open();
  for (let job = 1; job <= 3; job += 1) {
    bench.start(`job-${job}`);
    for (const pause of [2000, 4000]) {
      bench.answer("rejected", { code: "InternalError" });
      bench.timers.advance(pause);
    }
    bench.answer("accepted");
  }
  equal([bench.failures, bench.ended.length], [[], 3]);
});
