import { EventLog } from "../../../modules/app/event-log";
import { equal, test } from "../harness";

function filled(count: number, capacity = 4) {
  const log = new EventLog({ now: () => 1000, onEvent: () => {} }, capacity);
  for (let i = 1; i <= count; i++) log.add("Tick", { i });
  return log;
}

test("events are numbered from 1 and carry time and fields", () => {
  const event = filled(0).add("PhotoCaptured", { imageId: "a" });
  equal(JSON.stringify(event), '{"n":1,"type":"PhotoCaptured","time":1000,"imageId":"a"}');
});

test("errors are counted for telemetry, also those that were dropped", () => {
  const log = filled(0, 2);
  for (let i = 0; i < 3; i++) log.add("Error", { code: "NoCamera" });
  log.add("CloudState", { state: "online" });
  equal(log.errors, 3);
});

test("a phone that asks from the start gets everything in order", () => {
  const page = filled(3).since(0);
  equal(page.events.map((event) => event.n).join(), "1,2,3");
  equal(page.last, 3);
  equal(page.lost, 0);
});

test("a phone that is up to date gets nothing", () => {
  const page = filled(3).since(3);
  equal(page.events.length, 0);
  equal(page.lost, 0);
});

test("events that were dropped are counted", () => {
  const page = filled(10).since(2);
  equal(page.events.map((event) => event.n).join(), "7,8,9,10");
  equal(page.lost, 4);
});

test("a serial number from before a restart starts over", () => {
  const page = filled(2).since(900);
  equal(page.events.map((event) => event.n).join(), "1,2");
  equal(page.lost, 0);
});

test("an answer holds at most eight events, the oldest first", () => {
  const log = filled(20, 16);
  equal(
    log
      .since(0)
      .events.map((event) => event.n)
      .join(),
    "5,6,7,8,9,10,11,12",
  );
  equal(log.since(12).events.length, 8);
});

for (const [length, kept] of [
  [505, "1,2,3,4"],
  [506, "2,3,4"],
  [507, "2,3,4"],
  [508, "3,4"],
  [5000, "4"],
] as const)
  test(`events with ${length} characters are kept while their texts have 1,536 together: ${kept}`, () => {
    const log = new EventLog({ now: () => 1000, onEvent: () => {} }, 4);
    log.add("First", { count: 3 });
    // Five characters more are the type's, of the first event as well.
    for (let i = 2; i <= 4; i++) log.add("Event", { count: i, url: "u".repeat(length - 100), code: "c".repeat(100) });
    const { events, lost } = log.since(0);
    equal(events.map((event) => event.n).join(), kept);
    equal(lost, 4 - events.length);
  });

test("an event is in the log although who is told of it throws", () => {
  const told: number[] = [];
  const log = new EventLog({
    now: () => 7,
    onEvent: ({ n }) => {
      told.push(n);
      throw new TypeError("not to be noticed");
    },
  });
  equal(log.add("Error", { code: "X" }), { n: 1, type: "Error", time: 7, code: "X" });
  log.add("Y", {});
  equal([told, log.since(0).events.length, log.errors], [[1, 2], 2, 1]);
});
