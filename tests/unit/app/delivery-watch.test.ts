import { DeliveryWatch } from "../../../modules/app/delivery-watch";
import { equal, test } from "../harness";
import { ManualTimers } from "../upload/manual-timers";

const minute = 60_000;

/** A camera's storage over its starts. */
class Camera {
  record: string | undefined;
  writes = 0;
  isFull = false;
  timers = new ManualTimers();
  /** Where the clock of the machine is when it starts; it has 32 bits. */
  offset = 0;

  readonly records = {
    read: <T extends object>(): T | undefined => (this.record === undefined ? undefined : JSON.parse(this.record)),
    write: (_key: string, record: object) => {
      if (this.isFull) throw new Error("full");
      this.writes += 1;
      this.record = JSON.stringify(record);
    },
    delete: () => {
      this.record = undefined;
    },
  };

  get uptime(): number {
    return (this.offset + this.timers.now) | 0;
  }

  start(): DeliveryWatch {
    this.timers = new ManualTimers();
    return new DeliveryWatch(this, this.timers);
  }

  /** Starts, takes a message, and ends after that time. */
  die(after = 0): void {
    this.start().expect();
    this.timers.advance(after);
  }
}

test("two starts in a row that end within a minute of a message, and what waits is poison", () => {
  const camera = new Camera();
  equal(camera.start().isPoisoned, false);
  camera.die();
  equal([camera.start().badStarts, camera.start().isPoisoned], [1, false]);
  camera.die(minute - 1);
  const third = camera.start();
  equal([third.badStarts, third.isPoisoned], [2, true]);
});

test("a start that goes on for a minute after its last message is a good one", () => {
  for (const offset of [0, 0x7fffffff - minute]) {
    const camera = new Camera();
    camera.offset = offset;
    const watch = camera.start();
    for (let i = 0; i < 5; i += 1) {
      watch.expect();
      camera.timers.advance(minute - 1);
      equal(camera.record, '{"starts":1}');
    }
    camera.timers.advance(1);
    equal(camera.record, undefined);
  }
  const camera = new Camera();
  const watch = camera.start();
  watch.expect();
  camera.timers.advance(minute);
  equal([camera.record, camera.writes, camera.timers.running], [undefined, 1, 0]);
  watch.expect();
  equal(camera.record, '{"starts":1}', "the next message is watched as well");
});

test("messages that come one after the other are one mark in storage", () => {
  const camera = new Camera();
  const watch = camera.start();
  for (let i = 0; i < 100; i += 1) {
    watch.expect();
    camera.timers.advance(1000);
  }
  equal(camera.writes, 1);
});

test("a start without a message counts for nothing", () => {
  const camera = new Camera();
  camera.die();
  for (let i = 0; i < 3; i += 1) camera.start();
  equal(camera.start().badStarts, 1);
  camera.die();
  equal(camera.start().badStarts, 2);
});

test("earlier starts are forgiven when a minute has passed after a message and another one without", () => {
  const camera = new Camera();
  camera.die();
  const watch = camera.start();
  watch.expect();
  camera.timers.advance(minute);
  equal([watch.badStarts, camera.record], [1, '{"starts":1}']);
  camera.timers.advance(minute);
  equal([watch.badStarts, camera.record, camera.timers.running], [0, undefined, 0]);
});

test("answers to requests of our own do not make a start a bad one, unless it ends with them", () => {
  const camera = new Camera();
  const watch = camera.start();
  watch.expect();
  equal(camera.record, '{"starts":1}');
  watch.wasAnswer();
  camera.timers.advance(1000);
  watch.expect();
  watch.wasAnswer();
  camera.timers.advance(2000);
  equal([camera.record, camera.timers.running, camera.writes], [undefined, 0, 1]);
});

test("an answer after a message of somebody else's does not shorten its minute", () => {
  const camera = new Camera();
  const watch = camera.start();
  watch.expect();
  camera.timers.advance(1000);
  watch.expect();
  watch.wasAnswer();
  camera.timers.advance(minute - 1001);
  equal(camera.record, '{"starts":1}');
  camera.timers.advance(1);
  equal(camera.record, undefined);
});

test("answers do not forgive what an earlier start has met: the poison may come behind them", () => {
  const camera = new Camera();
  camera.die();
  const watch = camera.start();
  watch.expect();
  watch.wasAnswer();
  camera.timers.advance(5000);
  equal([watch.badStarts, camera.record], [1, '{"starts":1}']);
  watch.expect();
  equal(camera.start().badStarts, 2);
});

test("too large messages are counted", () => {
  const watch = new Camera().start();
  equal(watch.counters, { messagesDropped: 0, sessionsDropped: 0 });
  watch.dropped();
  watch.dropped();
  equal(watch.counters, { messagesDropped: 2, sessionsDropped: 0 });
});

test("a message in the minute in which earlier starts are to be forgiven has a minute of its own, on one timer", () => {
  const camera = new Camera();
  camera.die();
  const watch = camera.start();
  watch.expect();
  camera.timers.advance(minute + 1000);
  watch.expect();
  equal([camera.record, camera.timers.running], ['{"starts":2}', 1]);
  camera.timers.advance(minute - 1);
  equal(camera.record, '{"starts":2}');
  camera.timers.advance(1);
  equal([camera.record, camera.timers.running], ['{"starts":1}', 1]);
});

test("an answer late in somebody else's minute has its own time", () => {
  const camera = new Camera();
  const watch = camera.start();
  watch.expect();
  camera.timers.advance(minute - 1000);
  watch.expect();
  watch.wasAnswer();
  camera.timers.advance(1999);
  equal(camera.record, '{"starts":1}');
  camera.timers.advance(1);
  equal([camera.record, camera.timers.running], [undefined, 0]);
});

test("when the broker has dropped everything the count begins anew", () => {
  const camera = new Camera();
  camera.die();
  camera.die();
  const watch = camera.start();
  equal(watch.sessionDropped(), 2);
  equal(watch.counters.sessionsDropped, 1);
  equal([watch.isPoisoned, camera.record, camera.start().badStarts], [false, undefined, 0]);
  watch.expect();
  watch.sessionDropped();
  equal(camera.record, '{"starts":1}', "what came since is watched");
});

test("storage that is full, or holds something else, keeps nothing from being read", () => {
  const camera = new Camera();
  camera.isFull = true;
  const watch = camera.start();
  watch.expect();
  camera.timers.advance(minute);
  for (const record of ["{}", '{"starts":"x"}', '{"starts":null}', "[]"]) {
    camera.record = record;
    equal(camera.start().badStarts, 0, record);
  }
});

test("an answer counts for two seconds whatever the machine's clock says", () => {
  for (const offset of [0, 1000, 0x7ffffff0, 0x7fffffff, -0x7fffffff]) {
    const camera = new Camera();
    camera.offset = offset;
    const watch = camera.start();
    watch.expect();
    watch.wasAnswer();
    camera.timers.advance(1999);
    equal(camera.record, '{"starts":1}', `${offset}`);
    camera.timers.advance(1);
    equal([camera.record, camera.timers.running], [undefined, 0], `${offset}`);
  }
});
