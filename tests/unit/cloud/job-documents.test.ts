/** Job documents: what of them reaches whoever carries the job out. */
import { equal, test } from "../harness";
import { feed } from "../json/feed";
import { Bench } from "./jobs-bench";

/** What `execute` gets of such documents. */
for (const [what, jobDocument, expected] of [
  ["JSON in a string", '{"operation":"echo","message":"hi"}', { operation: "echo", message: "hi" }],
  [
    "a value that is too long",
    { operation: "echo", message: "x".repeat(600) },
    { operation: "echo", message: undefined },
  ],
  [
    "long, and most of it for others",
    { list: Array(500).fill([1]), deep: { operation: "x" }, operation: "echo", text: "x".repeat(2000) },
    { operation: "echo" },
  ],
  ["a string of 2 KB", JSON.stringify({ message: "hi", x: "y".repeat(500), z: "y".repeat(500) }), { message: "hi" }],
  ["a string that is too long", JSON.stringify({ message: "hi", x: Array(1024).fill(1) }), undefined],
  ["a string with what is no object", "[1]", undefined],
  ["a list", [1, 2], undefined],
  ["text", "reboot", undefined],
  ["nothing", undefined, undefined],
] as const)
  test(`the job document is ${what}`, () => {
    const bench = new Bench().open();
    bench.start("job-1", { jobDocument });
    const [{ document }] = bench.begun;
    equal(document && { ...document }, expected);
  });

/** An answer with a document that has lists in lists, so many levels of them. */
function withDepth({ last }: Bench, levels: number): string {
  const list = "[".repeat(levels) + "]".repeat(levels);
  const document = `{"list":${list},"message":"hi"}`;
  const fields = `"jobId":"job-1","status":"IN_PROGRESS","versionNumber":2,"executionNumber":7,"jobDocument":${document}`;
  return `{"clientToken":"${last.request.clientToken}","execution":{${fields}}}`;
}

test("a job document may be as deep as the machine can count", () => {
  const bench = new Bench().open();
  bench.say("start-next/accepted", withDepth(bench, 28));
  equal({ ...bench.begun[0].document }, { message: "hi" });
});

for (const [what, fail] of [
  ["is larger than a message may be", (bench: Bench) => bench.jobs.dropped("start-next/accepted")],
  ["cannot be read", (bench: Bench) => bench.say("start-next/accepted", withDepth(bench, 29))],
] as const)
  test(`a job document that ${what}: the job is had without it, so that it can be rejected`, () => {
    const bench = new Bench().open();
    fail(bench);
    equal(bench.last.operation, "$next/get");
    equal(bench.last.request.includeJobDocument, false);
    bench.result = { status: "REJECTED", statusDetails: { reason: "large" } };
    bench.start("job-1", { jobDocument: undefined });
    equal(bench.begun[0].document, undefined);
    equal(bench.last.operation, "job-1/update");
    equal(bench.last.request.status, "REJECTED");
  });

test("what could not be read is gone: the next one is not rejected in its place", () => {
  const bench = new Bench().open();
  bench.jobs.dropped("start-next/accepted");
  bench.notify("job-2");
  bench.start("job-2", { status: "QUEUED", versionNumber: 1, jobDocument: undefined });
  equal(bench.begun.length, 0);
  equal(bench.operations, "start-next,$next/get,start-next");
});

test("a notification that cannot be read, or is too large, is a notification", () => {
  const bench = new Bench().open();
  bench.answer("accepted");
  bench.say("notify-next", "{");
  equal(bench.operations, "start-next,start-next");
  bench.answer("accepted");
  bench.jobs.dropped("notify-next");
  equal(bench.sent.length, 3);
});

test("a job document of 32 KB is read, in the memory of a small one", () => {
  const bench = new Bench().open();
  const { clientToken } = bench.last.request;
  const stream = feed(bench.jobs.open(), '{"execution":{"jobDocument":{"steps":[0');
  for (let i = 0; i < 1000; i += 1) feed(stream, `,{"name${i}":"${"x".repeat(20)}"}`, 64);
  feed(stream, '],"operation":"echo","message":"late"},"jobId":"job-1","status":"IN_PROGRESS","versionNumber":2,');
  bench.jobs.receive("start-next/accepted", feed(stream, `"executionNumber":1},"clientToken":"${clientToken}"}`));
  equal({ ...bench.begun[0].document }, { operation: "echo", message: "late" });
});

test("of a document that is there twice the last one counts, whatever it is", () => {
  for (const [first, second, expected] of [
    ['{"operation":"echo"}', "7", undefined],
    ["7", '{"operation":"echo"}', { operation: "echo" }],
    ['"{}"', '{"operation":"echo"}', { operation: "echo" }],
    ['{"operation":"echo"}', '"{\\"message\\":\\"hi\\"}"', { message: "hi" }],
  ] as const) {
    const bench = new Bench().open();
    const { clientToken } = bench.last.request;
    const job = `{"jobId":"job-1","versionNumber":1,"jobDocument":${first},"jobDocument":${second}}`;
    bench.say("start-next/accepted", `{"clientToken":"${clientToken}","execution":${job}}`);
    const [{ document }] = bench.begun;
    equal(document && { ...document }, expected, `${first} ${second}`);
  }
});
