/** What is to be heard of, and what of it the broker knows, without a connection: time is given. */
import { CloudError } from "../../../modules/cloud/cloud-error";
import { completeSettings } from "../../../modules/cloud/settings";
import { Subscriptions } from "../../../modules/cloud/subscriptions";
import { equal, rejects, test, throws, turns } from "../harness";

function setUp() {
  let last = 0;
  const ids = {
    takeId: () => {
      last += 1;
      return last;
    },
  };
  return new Subscriptions(completeSettings({ acknowledgeTimeout: 100 }), ids);
}

const filters = (...topics: string[]) => topics.map((topic) => ({ topic, QoS: 1 as const }));

/** Follows a promise: "waits", "granted", or why not. */
function follow(promise: Promise<void>) {
  const followed = { state: "waits" };
  promise.then(
    () => {
      followed.state = "granted";
    },
    (error) => {
      followed.state = error.message;
    },
  );
  return followed;
}

/** Sends the next SUBSCRIBE. @returns its topics */
function send(it: Subscriptions, now = 0): string[] | undefined {
  const packet = it.next(now);
  if (packet) it.sent(now);
  return packet?.items.map(({ topic }) => topic);
}

test("a SUBSCRIBE and how long it is", () => {
  const it = setUp();
  equal(it.next(0), undefined);
  it.add(filters("a/b", "ä")).catch(() => {});
  const { id, items, byteLength } = it.next(0)!;
  // Fixed header 5, identifier 2; length 2 and QoS 1 for each filter, and their bytes.
  equal(
    [id, items.map(({ topic, QoS }) => [topic, QoS]), byteLength],
    [
      1,
      [
        ["a/b", 1],
        ["ä", 1],
      ],
      7 + 6 + 5,
    ],
  );
  equal([it.next(0)!.id, it.isInUse(1), it.isInUse(2)], [1, true, false]);
});

test("sent again when the SUBACK is overdue, to the millisecond, four times; then the connection is dead", () => {
  const it = setUp();
  it.add(filters("a")).catch(() => {});
  equal([it.wait(0), it.next(0)!.id, it.wait(0)], [undefined, 1, undefined]);
  for (let attempt = 0; attempt < 4; attempt += 1) {
    const now = attempt * 100;
    equal(send(it, now), ["a"]);
    equal([it.next(now + 99), it.wait(now), it.wait(now + 99), it.wait(now + 250)], [undefined, 100, 1, 0]);
  }
  throws(() => it.next(400), "AckTimeout");
  it.connected(true);
  equal([it.wait(400), send(it, 400)], [undefined, ["a"]]);
});

test("while nothing can be read the time of the SUBACK begins anew", () => {
  const it = setUp();
  it.postpone(0);
  it.add(filters("a")).catch(() => {});
  it.next(0);
  it.postpone(0);
  equal(it.wait(0), undefined, "it was not sent");
  send(it, 0);
  it.postpone(90);
  equal([it.next(189), it.wait(90)], [undefined, 100]);
  equal(send(it, 190), ["a"]);
});

test("a SUBACK counts for what was sent, by its identifier", async () => {
  const it = setUp();
  const granted = follow(it.add(filters("a")));
  it.next(0);
  equal(it.acknowledge(1, [1]), []);
  await turns(1);
  equal([granted.state, send(it)], ["waits", ["a"]]);
  equal([it.acknowledge(2, [0x80]), it.isInUse(1)], [[], true]);
  equal([it.acknowledge(1, [1]), it.isInUse(1), it.next(0)], [[], false, undefined]);
  await turns(1);
  equal(granted.state, "granted");
});

test("all that one asked for are granted, or it hears which were not; two may ask for the same", async () => {
  const it = setUp();
  const both = follow(it.add(filters("a", "bad", "worse")));
  const again = follow(it.add(filters("a")));
  const third = follow(it.add(filters("bad")));
  equal(send(it), ["a", "bad", "worse"]);
  equal(it.acknowledge(1, [0, 0x80]), ["bad", "worse"], "what has no return code is refused");
  await turns(1);
  equal([both.state, again.state, third.state], ["refused: bad, worse", "granted", "refused: bad"]);
  equal(it.next(0), undefined, "what was refused is not asked for again");
  it.connected(false);
  equal(send(it), ["a"]);
});

test("whoever asks for more than fits a packet waits for the last one", async () => {
  const it = setUp();
  const names = Array.from({ length: 9 }, (_, i) => `t/${i}`);
  const granted = follow(it.add(filters(...names)));
  equal([send(it), it.next(0)], [names.slice(0, 8), undefined]);
  it.acknowledge(1, new Array(8).fill(1));
  await turns(1);
  equal([granted.state, send(it)], ["waits", ["t/8"]]);
  it.acknowledge(2, [1]);
  await turns(1);
  equal(granted.state, "granted");
});

test("what is granted is asked for again with another QoS, or when the broker has forgotten the session", async () => {
  const it = setUp();
  it.add(filters("a", "b"));
  send(it);
  it.acknowledge(1, [1, 1]);
  await it.add(filters("a", "b"));
  await it.add([]);
  equal(it.next(0), undefined);
  it.add([{ topic: "b", QoS: 0 }]).catch(() => {});
  equal(
    it.next(0)!.items.map(({ topic, QoS }) => [topic, QoS]),
    [["b", 0]],
  );
  it.connected(true);
  equal(send(it), ["b"]);
  it.connected(false);
  equal(send(it), ["a", "b"]);
});

test("fifty filters, and one that is known does not count twice", () => {
  const it = setUp();
  it.add(filters(...Array.from({ length: 50 }, (_, i) => `t/${i}`))).catch(() => {});
  it.add(filters("t/0", "t/49")).catch(() => {});
  throws(() => it.add(filters("t/0", "one more")), "TooManySubscriptions");
});

test("the end of the session is told to all who wait, and nothing is left", async () => {
  const it = setUp();
  it.add(filters("granted"));
  send(it);
  it.acknowledge(1, [1]);
  const waiting = it.add(filters("a"));
  send(it);
  it.close(new CloudError("Closed", "closed"));
  await rejects(waiting, "Closed");
  equal([it.next(0), it.isInUse(2), it.wait(0)], [undefined, false, undefined]);
});
