/** The queue of what goes to the cloud, by itself: time is given. */
import { CloudError } from "../../../modules/cloud/cloud-error";
import { type Draft, elapsed, Outbox } from "../../../modules/cloud/outbox";
import { completeSettings, type Settings } from "../../../modules/cloud/settings";
import { assert, equal, rejects, test, throws, turns } from "../harness";

function setUp(settings: Partial<Settings> = {}) {
  let last = 0;
  const ids = {
    takeId: () => {
      last += 1;
      return last;
    },
  };
  return new Outbox(completeSettings({ acknowledgeTimeout: 100, ...settings }), ids);
}

function draft(text: string, options: Partial<Draft> = {}): Draft {
  const payload = new Uint8Array(ArrayBuffer.fromString(text));
  return { topic: "t", topicByteLength: 1, payload, QoS: 1, retain: false, expendable: false, ...options };
}

/** Adds a message that nobody waits for. */
function add(box: Outbox, text: string, options: Partial<Draft> = {}): void {
  box.add(draft(text, options)).catch(() => {});
}

/** Sends the next message. @returns its payload; undefined when there is none to send */
function send(box: Outbox, now: number): string | undefined {
  const message = box.next(now);
  if (!message) return undefined;
  box.sent(message, now);
  return String.fromArrayBuffer(message.payload.slice().buffer as ArrayBuffer);
}

const lost = new CloudError("ConnectionLost", "lost");

test("the clock of the chip wraps, the time between two readings does not", () => {
  equal([elapsed(5, 25), elapsed(0x7ffffff0, 0x80000010 | 0), elapsed(25, 5)], [20, 32, -20]);
});

test("a message as it goes out", () => {
  const box = setUp();
  add(box, "x", { topic: "device/telemetry", topicByteLength: 16, retain: true });
  const { topic, QoS, retain, id, duplicate, headerLength } = box.next(0)!;
  // Fixed header 5, topic with its length 18, identifier 2.
  equal([topic, QoS, retain, id, duplicate, headerLength], ["device/telemetry", 1, true, 1, false, 25]);
  equal(box.next(0)!.id, 1, "the identifier is given once");
  equal([box.isInUse(1), box.isInUse(2)], [true, false]);
});

test("sent again when its acknowledgement is overdue, to the millisecond, four times; then the connection is dead", () => {
  const box = setUp();
  add(box, "x");
  equal(box.wait(0), undefined, "nothing is awaited yet");
  for (let attempt = 0; attempt < 4; attempt += 1) {
    const now = attempt * 100;
    equal(box.next(now)!.duplicate, attempt > 0);
    equal(send(box, now), "x");
    equal([box.next(now + 99), box.wait(now), box.wait(now + 99), box.wait(now + 250)], [undefined, 100, 1, 0]);
  }
  throws(() => box.next(400), "AckTimeout");
});

test("what is awaited next is awaited for as long as it may take", () => {
  const box = setUp();
  for (const [text, now] of [
    ["a", 0],
    ["b", 30],
    ["c", 60],
  ] as const) {
    add(box, text);
    send(box, now);
  }
  add(box, "not sent", { QoS: 0 });
  equal(box.wait(60), 40);
  box.acknowledge(1);
  equal(box.wait(60), 70);
});

test("the time begins anew for what was sent, and only for that", () => {
  const box = setUp();
  add(box, "sent");
  send(box, 0);
  add(box, "waits");
  box.postpone(90);
  equal([box.wait(90), send(box, 189), box.next(189)], [100, "waits", undefined]);
  equal(send(box, 190), "sent");
});

test("an acknowledgement is one of what was sent: once, by its identifier", async () => {
  const box = setUp();
  let done = 0;
  box.add(draft("a")).then(() => {
    done += 1;
  });
  equal(box.next(0)!.id, 1);
  equal(box.acknowledge(1), false, "it has an identifier and was not written");
  send(box, 0);
  equal([box.acknowledge(2), box.acknowledge(1), box.acknowledge(1), box.length], [false, true, false, 0]);
  await turns(1);
  equal(done, 1);
});

test("QoS 0 is gone when it is written, and has no identifier", async () => {
  const box = setUp();
  const sent = box.add(draft("zero", { QoS: 0 }));
  equal(box.next(0)!.id, 0);
  send(box, 0);
  await sent;
  equal([box.length, box.wait(0)], [0, undefined]);
});

test("so many are in flight; QoS 0 and expendable ones pass by", () => {
  const box = setUp({ maximumInFlight: 2 });
  for (const text of ["a", "b", "c"]) add(box, text);
  equal([send(box, 0), send(box, 0), send(box, 0)], ["a", "b", undefined]);
  add(box, "zero", { QoS: 0 });
  add(box, "answer", { expendable: true });
  equal([send(box, 0), send(box, 0), send(box, 0)], ["zero", "answer", undefined]);
  box.acknowledge(2);
  equal([send(box, 0), send(box, 0)], ["c", undefined], "an expendable one takes nobody's place");
});

test("expendable ones that were written are forgotten, the oldest first, until so many are left", async () => {
  const box = setUp();
  add(box, "kept");
  send(box, 0);
  for (const text of ["1", "2", "3", "4"]) await box.add(draft(text, { expendable: true }));
  equal([box.spare(4), box.spare(3), box.length], [true, false, 5]);
  for (const text of ["1", "2", "3"]) equal(send(box, 0), text);
  equal([box.spare(3), box.length, box.isInUse(2), box.isInUse(3)], [true, 4, false, true]);
  equal([box.spare(1), box.length], [true, 2]);
  equal([box.spare(0), box.length], [false, 2]);
  equal([send(box, 0), box.spare(0), box.length, box.isInUse(1)], ["4", true, 1, true]);
});

test("a connection after another: what was sent is marked when the broker remembers the session, and has four attempts again", () => {
  for (const sessionPresent of [true, false]) {
    const box = setUp();
    add(box, "sent");
    for (const now of [0, 100, 200, 300]) send(box, now);
    add(box, "waits");
    box.disconnected(lost);
    box.connected(sessionPresent);
    equal([box.length, box.wait(350), box.acknowledge(1)], [2, undefined, false]);
    const first = box.next(350)!;
    equal([first.id, first.duplicate], [1, sessionPresent]);
    equal([send(box, 350), box.next(350)!.duplicate, send(box, 350)], ["sent", false, "waits"]);
    equal(send(box, 450), "sent");
  }
});

test("an end of the connection drops QoS 0, the end of the session everything", async () => {
  const box = setUp();
  const zero = box.add(draft("zero", { QoS: 0 }));
  const one = box.add(draft("one"));
  box.disconnected(lost);
  await rejects(zero, "ConnectionLost");
  equal(box.length, 1);
  box.close(new CloudError("Closed", "closed"));
  await rejects(one, "Closed");
  equal(box.length, 0);
});

test("bounded in messages and in bytes, and what has left makes room", () => {
  const box = setUp({ queueCount: 2, queueBytes: 10 });
  throws(() => box.add(draft("x".repeat(11))), "PayloadTooLarge");
  add(box, "x".repeat(10));
  throws(() => box.add(draft("y")), "QueueFull");
  send(box, 0);
  assert(box.acknowledge(1));
  add(box, "x".repeat(6));
  throws(() => box.add(draft("y".repeat(5))), "QueueFull");
  add(box, "y".repeat(4));
  throws(() => box.add(draft("")), "QueueFull");
  equal(box.length, 2);
});
