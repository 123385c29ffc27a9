import type { CloudError } from "../../../modules/cloud/cloud-error";
import { type GrantOwner, GrantRequest, judgeGrant, type UploadGrant } from "../../../modules/cloud/upload-grants";
import { assert, equal, test, until } from "../harness";
import { ManualTimers } from "../upload/manual-timers";
import { FakeBroker, types } from "./fake-broker";

const subject = { imageId: "abc-1", byteLength: 12345, requestId: "r/1" };
const url = "https://bucket.example/thing/abc-1.jpg?X-Amz-Signature=secret";
const good = { imageId: "abc-1", requestId: "r/1", url, headers: { "Content-Type": "image/jpeg" }, expires: 2000 };
const bytes = (message: unknown) => ArrayBuffer.fromString(JSON.stringify(message));

/** A request whose time passes when the test says so. Without jitter its pauses are 4, 8, 16, 32, 32 s. */
class Rig implements GrantOwner {
  timers = new ManualTimers();
  published: string[] = [];
  grants: UploadGrant[] = [];
  failures: CloudError[] = [];
  expired = 0;
  publish: () => Promise<void> = async () => {};
  request = new GrantRequest(this, subject, { timers: this.timers, random: () => 0 });

  now(): number {
    return 1000;
  }

  publishGrantRequest(payload: string): Promise<void> {
    this.published.push(payload);
    return this.publish();
  }

  onExpiredGrant(): void {
    this.expired += 1;
  }

  onGranted(grant: UploadGrant): void {
    this.grants.push(grant);
  }

  onNotGranted(error: CloudError): void {
    this.failures.push(error);
  }

  /** Time passes, and what is done with a promise gets its turn. */
  async pass(seconds: number): Promise<void> {
    for (let i = 0; i < seconds; i += 1) {
      this.timers.advance(1000);
      for (let turn = 0; turn < 5; turn += 1) await undefined;
    }
  }

  /** It is over: exactly one end, and no timer is left. */
  checkOver(): void {
    equal(this.grants.length + this.failures.length, 1, "one end");
    equal(this.timers.running, 0, "no timer is left");
  }
}

test("the request says which picture, and the grant is handed on", () => {
  const rig = new Rig();
  rig.request.start();
  equal(
    rig.published.map((it) => JSON.parse(it)),
    [{ ...subject, contentType: "image/jpeg" }],
  );
  equal(rig.request.receive(bytes({ ...good, framing: "length" })), true);
  equal(rig.grants, [{ url, headers: [["Content-Type", "image/jpeg"]], framing: "length" }]);
  rig.checkOver();
});

test("late: the answer to the first request will do after the third", async () => {
  const rig = new Rig();
  rig.request.start();
  await rig.pass(13);
  equal(rig.published.length, 3);
  equal(rig.published[2], rig.published[0], "the same identifier");
  equal(rig.request.receive(bytes(good)), true);
  rig.checkOver();
  await rig.pass(200);
  equal(rig.published.length, 3, "and nothing more is asked");
});

test("lost: five requests with growing pauses, then NoGrant", async () => {
  const rig = new Rig();
  rig.request.start();
  const times: number[] = [];
  for (let second = 0; second < 200 && !rig.failures.length; second += 1) {
    while (times.length < rig.published.length) times.push(second);
    await rig.pass(1);
  }
  equal(times, [0, 4, 12, 28, 60]);
  equal(rig.failures[0].code, "NoGrant");
  equal(rig.failures[0].message, "no URL after 5 requests: no answer");
  rig.checkOver();
  equal(rig.request.receive(bytes(good)), false, "after that it is too late");
  rig.checkOver();
});

test("duplicated: the second copy is no answer to anything", () => {
  const rig = new Rig();
  rig.request.start();
  equal(rig.request.receive(bytes(good)), true);
  equal(rig.request.receive(bytes(good)), false);
  rig.checkOver();
});

test("foreign: answers to other pictures and other requests are left alone, refusals as well", () => {
  const rig = new Rig();
  rig.request.start();
  for (const other of [{ imageId: "abc-2" }, { requestId: "r/0" }, { requestId: undefined }, { imageId: 1 }])
    for (const message of [
      { ...good, ...other },
      { imageId: "abc-1", requestId: "r/1", error: { code: "NotBound" }, ...other },
    ])
      equal(rig.request.receive(bytes(message)), false, JSON.stringify(other));
  equal(rig.grants.length + rig.failures.length, 0);
  equal(rig.request.receive(bytes(good)), true);
  rig.checkOver();
});

test("malformed: what is no grant is asked for again, and named in the end", async () => {
  const rig = new Rig();
  rig.request.start();
  const broken: unknown[] = [
    null,
    [],
    "grant",
    { ...good, url: undefined },
    { ...good, url: 5 },
    { ...good, url: "" },
    { ...good, url: `https://${"x".repeat(4096)}` },
    { ...good, headers: "Content-Type" },
    { ...good, headers: null },
    { ...good, headers: { a: 1 } },
    { ...good, framing: "pigeon" },
  ];
  for (const message of broken)
    equal(rig.request.receive(bytes(message)), false, JSON.stringify(message)?.slice(0, 80));
  for (const text of ["", "{", "\u0000"]) equal(rig.request.receive(ArrayBuffer.fromString(text)), false, text);
  equal(rig.request.receive(new Uint8Array([0xff, 0xc0, 0x80]).buffer), false, "not UTF-8");
  await rig.pass(61);
  rig.request.receive(bytes({ ...good, url: 5 }));
  await rig.pass(40);
  equal(rig.failures[0].code, "NoGrant");
  assert(rig.failures[0].message.endsWith("MalformedGrant"), rig.failures[0].message);
  rig.checkOver();
});

test("expired: a grant that lay at the broker for too long is none, unless the clock is not set", () => {
  equal(judgeGrant(bytes(good), subject, 2000), { ignored: "ExpiredGrant" });
  assert("grant" in judgeGrant(bytes(good), subject, 1999));
  assert("grant" in judgeGrant(bytes(good), subject, 0));
  assert("grant" in judgeGrant(bytes({ ...good, expires: undefined }), subject, 5000));
});

test("an answer to this request that has expired already contradicts the clock, and is waited past", () => {
  const rig = new Rig();
  rig.request.start();
  equal(rig.request.receive(bytes({ ...good, expires: 1000 })), false);
  equal(rig.request.receive(bytes({ ...good, expires: 1000, requestId: "another" })), false);
  equal([rig.expired, rig.grants.length, rig.failures.length], [1, 0, 0]);
  equal(rig.request.receive(bytes(good)), true);
  equal(rig.expired, 1);
  rig.checkOver();
});

test("refused: it ends at once, with the cloud's own code, and nothing is asked again", async () => {
  const refusals: [unknown, string][] = [
    [{ code: "NotBound", message: "nobody's camera" }, "NotBound: nobody's camera"],
    [{ code: "NotBound" }, "NotBound"],
    ["no", "Unnamed"],
    [null, "Unnamed"],
  ];
  for (const [error, message] of refusals) {
    const rig = new Rig();
    rig.request.start();
    equal(rig.request.receive(bytes({ imageId: "abc-1", requestId: "r/1", error })), true);
    equal(rig.failures[0].code, "GrantRefused");
    equal(rig.failures[0].message, message);
    await rig.pass(100);
    equal(rig.published.length, 1);
    rig.checkOver();
  }
});

test("without a connection one request waits in the session, and not five", async () => {
  const rig = new Rig();
  rig.publish = () => new Promise(() => {});
  rig.request.start();
  await rig.pass(100);
  equal(rig.published.length, 1);
  equal(rig.failures[0].message, "no URL after 5 requests: the broker does not have the request");
  rig.checkOver();
});

test("a request that could not be sent is tried again, and named in the end", async () => {
  const rig = new Rig();
  rig.publish = () => Promise.reject(Object.assign(new Error("16 messages wait"), { code: "QueueFull" }));
  rig.request.start();
  await rig.pass(100);
  equal(rig.published.length, 5);
  equal(rig.failures[0].message, "no URL after 5 requests: QueueFull: 16 messages wait");
  rig.checkOver();
});

test("closed: no end is told, and no timer is left", async () => {
  const rig = new Rig();
  rig.request.start();
  rig.request.close();
  equal(rig.request.receive(bytes(good)), false);
  await rig.pass(200);
  equal([rig.grants.length, rig.failures.length, rig.published.length, rig.timers.running], [0, 0, 1, 0]);
});

test("the session is lost between request and grant: the request is sent again, and the grant comes over the next connection", async () => {
  const broker = new FakeBroker({ puback: false, sessionPresent: true });
  const grantTopic = "device/thing/uploads/grant";
  const session = broker.session({ onMessage: ({ payload }) => rig.request.receive(payload) });
  const rig = new Rig();
  rig.publishGrantRequest = (payload) => session.publish("device/thing/uploads/request", payload);
  session.connect();
  await session.subscribe([{ topic: grantTopic, QoS: 1 }]);
  rig.request.start();
  await until(() => broker.socket.sent(types.PUBLISH).length > 0);
  const { payload } = broker.socket.sent(types.PUBLISH)[0];
  broker.script.puback = true;
  broker.socket.fail();
  await until(() => broker.sockets.length === 2 && broker.socket.sent(types.PUBLISH).length === 1);
  equal(broker.socket.sent(types.PUBLISH)[0].payload, payload);
  broker.socket.publish(grantTopic, JSON.stringify(good));
  await until(() => rig.grants.length === 1);
  rig.checkOver();
  equal(broker.escaped, []);
  session.close();
});

test("a timer that cannot be set ends it: nobody waits for a request that is not repeated", async () => {
  const rig = new Rig();
  rig.request.start();
  rig.timers.set = () => {
    throw new RangeError("no timer left");
  };
  await rig.pass(5);
  equal([rig.failures[0].code, rig.failures.length, rig.published.length], ["NoGrant", 1, 1]);
  rig.checkOver();
  equal(rig.request.receive(bytes(good)), false);
});

test("what is wrong with a grant's headers is told as such", () => {
  const verdict = judgeGrant(bytes({ ...good, headers: { a: 1 } }), subject, 0);
  equal(verdict, { ignored: "MalformedGrant: headers is an object of strings" });
});

test("a message of 4,096 bytes is the longest", () => {
  const around = JSON.stringify({ ...good, url: "" }).length;
  const of = (length: number) => judgeGrant(bytes({ ...good, url: "u".repeat(length - around) }), subject, 0);
  equal("grant" in of(4096), true);
  equal(of(4097), { ignored: "MalformedGrant: TooLong: more than 4096 bytes" });
});
