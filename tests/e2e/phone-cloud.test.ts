/** The cloud as people see it: cameras of one's own, a connection that stays, the gallery. */
import assert from "node:assert/strict";
import { request } from "node:https";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import type { Account } from "../../sim/phone/account.ts";
import { adviceFor } from "../../sim/phone/advice.ts";
import type { Picture } from "../../sim/phone/gallery.ts";
import { MqttLink } from "../../sim/phone/mqtt-link.ts";
import { boundHeaders, photoHeaders, pictureKey } from "../../sim/phone/picture-keys.ts";
import { KeyedCamera } from "./keyed-camera.ts";
import { PhoneRig } from "./phone-rig.ts";

let rig: PhoneRig;
before(async () => {
  rig = await PhoneRig.open({ cloudOnly: true });
  trusted.push(rig.settings.rootCA!);
});
after(async () => {
  const failed = rig?.events.filter(({ event }) => event === "bindingFailed");
  await rig?.[Symbol.asyncDispose]();
  assert.deepEqual(failed, [], "the function refuses, and does not fail");
});

const bucket = "devicelink-photos";
/** Cameras, each of one test. */
const [a1, b1, c1, d1, e1, f1, g1, h1, i1] = Array.from({ length: 9 }, () => new KeyedCamera());
/** Root certificates of the clouds that were started. */
const trusted: string[] = [];

test("two people: what one has claimed is refused to the other, until it is released", async () => {
  await using anna = await rig.person();
  await using ben = await rig.person();
  await assert.rejects(anna.cloud.claim(a1.thingName, "Kitchen"), { code: "NotProven" });
  await assert.rejects(anna.cloud.claim(a1.thingName, "Kitchen", b1), { code: "NotProven" });
  const claimed = await anna.cloud.claim(a1.thingName, "Kitchen", a1);
  assert.equal(claimed.name, "Kitchen");
  const refusal = await ben.cloud.claim(a1.thingName, undefined, a1).then(
    () => assert.fail("it was given away"),
    (error) => error,
  );
  assert.equal(refusal.code, "NotYours");
  assert.equal(adviceFor(refusal).action, "none");
  await assert.rejects(ben.cloud.release(a1.thingName), { code: "NotYours" });
  assert.deepEqual(await ben.cloud.cameras(), []);
  assert.deepEqual(await anna.cloud.cameras(), [claimed]);
  const renamed = await anna.cloud.claim(a1.thingName, "Garden");
  assert.deepEqual(renamed, { ...claimed, name: "Garden" });
  await anna.cloud.release(a1.thingName);
  assert.equal((await ben.cloud.claim(a1.thingName, undefined, a1)).name, a1.thingName);
});

test("a camera of somebody else is neither heard nor asked, nor are its settings seen", {
  timeout: 60_000,
}, async () => {
  await using anna = await rig.person();
  await using ben = await rig.person();
  await anna.cloud.claim(b1.thingName, undefined, b1);
  await anna.cloud.live(b1.thingName).open();
  await ben.cloud.connect();
  await assert.rejects(ben.cloud.live(b1.thingName).open(), { code: "AccessDenied" });
  await assert.rejects(ben.cloud.live(b1.thingName).updateSettings({ resolution: "HD" }), { code: "AccessDenied" });
});

test("settings: a wish is in the shadow and its delta, null takes it back, an old version conflicts", async () => {
  await using anna = await rig.person();
  await anna.cloud.claim(c1.thingName, undefined, c1);
  const live = anna.cloud.live(c1.thingName);
  const versions: number[] = [];
  live.on("change", ({ shadow }) => shadow && versions.push(shadow.version));
  await live.updateSettings({ captureInterval: 600, resolution: "HD" });
  assert.deepEqual(live.state.shadow?.delta, { captureInterval: 600, resolution: "HD" });
  await live.updateSettings({ captureInterval: null }, { version: 1 });
  assert.deepEqual(live.state.shadow?.desired, { resolution: "HD" });
  await assert.rejects(live.updateSettings({ resolution: "VGA" }, { version: 1 }), { code: "VersionConflict" });
  assert.deepEqual([...new Set(versions)], [0, 1, 2], "never backwards");
});

test("a camera that is not there: CameraOffline, and the state says so", async () => {
  await using anna = await rig.person();
  await anna.cloud.claim(d1.thingName, undefined, d1);
  const live = anna.cloud.live(d1.thingName);
  await assert.rejects(live.command({ type: "TakePhoto" }, { timeout: 300 }), { code: "CameraOffline" });
  assert.equal(live.state.online, false);
});

test("a lost connection is made again, with what was listened to", async () => {
  await using anna = await rig.person();
  await anna.cloud.claim(e1.thingName, undefined, e1);
  const live = anna.cloud.live(e1.thingName);
  await live.open();
  const states: string[] = [];
  anna.cloud.on("connection", ({ state }) => states.push(state));
  await rig.line.stopCloud("SIGKILL");
  await rig.line.startCloud();
  await live.updateSettings({ resolution: "HD" });
  assert.deepEqual(live.state.shadow?.desired, { resolution: "HD" });
  assert.equal(states[0], "offline");
  assert.equal(states.at(-1), "online");
  assert.equal(anna.cloud.connection, "online");
});

test("who wants something of a lost connection does not wait for its next attempt", async (t) => {
  await using anna = await rig.person();
  await anna.cloud.claim(f1.thingName, undefined, f1);
  const live = anna.cloud.live(f1.thingName);
  // Nothing is on its way any more, which would be sent again.
  await assert.rejects(live.command({ type: "TakePhoto" }, { timeout: 300 }), { code: "CameraOffline" });
  const lost = new Promise<void>((resolve) => {
    anna.cloud.on("connection", ({ state }) => state === "offline" && resolve());
  });
  // Ten minutes until it would try again, while nobody waits longer than twenty seconds.
  const random = t.mock.method(Math, "random", () => 1200, { times: 1 });
  await rig.line.stopCloud("SIGKILL");
  await lost;
  await delay(0);
  assert.ok(random.mock.callCount() > 0);
  await rig.line.startCloud();
  await live.updateSettings({ resolution: "HD" });
  assert.deepEqual(live.state.shadow?.desired, { resolution: "HD" });
});

for (const hours of [-3, 3])
  test(`a phone whose clock is wrong by ${hours} hours signs with the cloud's time`, async (t) => {
    const Real = globalThis.Date;
    const shift = hours * 3_600_000;
    globalThis.Date = class extends Real {
      constructor(...given: [number]) {
        if (given.length) super(...given);
        else super(Real.now() + shift);
      }
      static now = () => Real.now() + shift;
    } as DateConstructor;
    t.after(() => {
      globalThis.Date = Real;
    });
    await using anna = await rig.person();
    assert.ok(Math.abs(anna.account.clockOffset + shift) < 10_000, `${anna.account.clockOffset}`);
    const camera = new KeyedCamera();
    await anna.cloud.claim(camera.thingName, undefined, camera);
    assert.equal(
      await putPhoto(await anna.cloud.presignPhoto({ thingName: camera.thingName, imageId: "F-1" }), "JPEG"),
      200,
    );
    const { pictures } = await anna.cloud.gallery.list();
    assert.deepEqual(
      pictures.map(({ imageId }) => imageId),
      ["F-1"],
    );
  });

test("credentials that die during everything: nobody notices, no message is missed", async () => {
  await using own = await PhoneRig.open({ cloudOnly: true, credentialSeconds: 5 });
  trusted.push(own.settings.rootCA!);
  await using anna = await own.person();
  await anna.cloud.claim(g1.thingName, undefined, g1);
  const live = anna.cloud.live(g1.thingName);
  const states = new Set<string>();
  anna.cloud.on("connection", ({ state }) => states.add(state));
  const heard: number[] = [];
  live.on("change", ({ shadow }) => shadow && heard.at(-1) !== shadow.version && heard.push(shadow.version));
  const connects = () => own.events.filter(({ event, identityId }) => event === "connect" && identityId).length;
  let wishes = 0;
  for (const start = connects(); connects() < start + 3; await delay(300)) {
    wishes += 1;
    await live.updateSettings({ captureInterval: 600 + wishes });
    const imageId = `G-${wishes}`;
    assert.equal(await putPhoto(await anna.cloud.presignPhoto({ thingName: g1.thingName, imageId }), "JPEG"), 200);
    await anna.cloud.gallery.find(pictureKey(anna.account.identityId, g1.thingName, imageId));
  }
  const numbers = Array.from({ length: wishes + 1 }, (_, version) => version);
  assert.deepEqual(heard, numbers, "each version once, in order");
  assert.deepEqual([...states], [], "the connection was never gone");
});

test("who begins to listen in the moment in which a connection replaces another misses nothing", async (t) => {
  await using own = await PhoneRig.open({ cloudOnly: true, credentialSeconds: 5 });
  await using anna = await own.person();
  await anna.cloud.claim(i1.thingName, undefined, i1);
  // The next connection has its subscriptions, and is not used yet.
  const replaced = new Promise<void>((resolve) => {
    const real = MqttLink.prototype.subscribe;
    const slow = t.mock.method(MqttLink.prototype, "subscribe", async function (this: MqttLink, topics: string[]) {
      const refused = await real.call(this, topics);
      slow.mock.restore();
      resolve();
      await delay(300);
      return refused;
    });
  });
  await replaced;
  const live = anna.cloud.live(i1.thingName);
  await live.open();
  const isRenewed = () => anna.activity.entries.some(({ text }) => text === "the connection was renewed");
  for (const deadline = Date.now() + 10_000; !isRenewed() && Date.now() < deadline; ) await delay(20);
  await live.updateSettings({ resolution: "HD" });
  assert.deepEqual(live.state.shadow?.desired, { resolution: "HD" });
});

test("credentials that the services call dead before their time are replaced at once", async () => {
  await using anna = await rig.person();
  await anna.cloud.connect();
  const { accessKeyId } = await anna.account.credentials();
  // What the phone believes to be good, and no service knows.
  const forged = { ...(await anna.account.credentials()), accessKeyId: "ASIA0000000000000000" };
  const source = anna.account as { credentials: Account["credentials"] };
  const genuine = source.credentials;
  let isForged = true;
  source.credentials = async () => (isForged ? forged : genuine());
  const renew = anna.account.renew.bind(anna.account);
  anna.account.renew = (dead) => {
    assert.equal(dead.accessKeyId, forged.accessKeyId);
    isForged = false;
    renew(dead);
  };
  assert.deepEqual((await anna.cloud.gallery.list()).pictures, []);
  isForged = true;
  assert.match(await anna.cloud.deviceEndpoint(), /^localhost:\d+$/);
  assert.notEqual(accessKeyId, forged.accessKeyId);
});

/** As the camera does it. @returns the status */
function putPhoto(url: string, content: string, headers: Record<string, string> = photoHeaders): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: "PUT", headers, ca: trusted });
    sent.on("response", (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    sent.on("error", reject);
    sent.end(content);
  });
}

test("a URL for one picture: nothing but a JPEG, nowhere but below one's own prefix", async () => {
  await using anna = await rig.person();
  const url = await anna.cloud.presignPhoto({ thingName: h1.thingName, imageId: "H-1" });
  assert.ok(url.startsWith(rig.settings.endpoints!.deviceS3));
  assert.equal(await putPhoto(url, "JPEG"), 200);
  assert.equal(await putPhoto(url, "<html>", { "Content-Type": "text/html" }), 403);
  const picture = await anna.cloud.gallery.find(pictureKey(anna.account.identityId, h1.thingName, "H-1"));
  const blob = await anna.cloud.gallery.get(picture);
  assert.equal(blob.type, "image/jpeg");
  assert.equal(await blob.text(), "JPEG");
  await using ben = await rig.person();
  for (const action of ["get", "remove"] as const)
    await assert.rejects(ben.cloud.gallery[action](picture), { code: "AccessDenied" });
  await assert.rejects(ben.cloud.gallery.find(picture.key), { code: "AccessDenied" });
  await anna.cloud.gallery.remove(picture);
  await assert.rejects(anna.cloud.gallery.get(picture), { code: "NoSuchPicture" });
});

test("a URL for a picture whose length is known takes that length, and replaces nothing", async () => {
  await using anna = await rig.person();
  const picture = { thingName: "camera-H1", imageId: "H-2", byteLength: 4 };
  const url = await anna.cloud.presignPhoto(picture);
  assert.equal(new URL(url).searchParams.get("X-Amz-SignedHeaders"), "content-length;content-type;host;if-none-match");
  const headers = boundHeaders(4);
  assert.equal(await putPhoto(url, "JPEG+", { ...headers, "Content-Length": "5" }), 403);
  assert.equal(await putPhoto(url, "JPEG", { ...photoHeaders, "Content-Length": "4" }), 403, "without the condition");
  assert.equal(await putPhoto(url, "JPEG", headers), 200);
  assert.equal(await putPhoto(await anna.cloud.presignPhoto(picture), "GPEJ", headers), 412);
  const found = await anna.cloud.gallery.find(pictureKey(anna.account.identityId, "camera-H1", "H-2"));
  assert.equal(await (await anna.cloud.gallery.get(found)).text(), "JPEG");
  await anna.cloud.gallery.remove(found);
});

/** Fills a gallery as cameras do, `count` pictures each, one picture every `interval` milliseconds back from now. */
async function fill(
  identityId: string,
  cameras: { thing: string; count: number; interval: number }[],
): Promise<string[]> {
  const { s3 } = await rig.administrator();
  const now = Date.now();
  const pictures = cameras.flatMap(({ thing, count, interval }) =>
    Array.from({ length: count }, (_, i) => {
      const time = now - i * interval;
      return { time, key: pictureKey(identityId, thing, `${thing.replace(/^camera-/, "")}-${time}-${(i % 12) + 1}`) };
    }),
  );
  const queue = [...pictures];
  const worker = async () => {
    for (let next = queue.pop(); next; next = queue.pop())
      await s3.send(new PutObjectCommand({ Bucket: bucket, Key: next.key, Body: "JPEG" }));
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  s3.destroy();
  return pictures.sort((a, b) => b.time - a.time || (a.key < b.key ? 1 : -1)).map(({ key }) => key);
}

test("the gallery: newest first over all cameras, page by page, each picture once", async () => {
  await using anna = await rig.person();
  const keys = await fill(anna.account.identityId, [
    { thing: "camera-AAAAAA", count: 11, interval: 3_600_000 },
    { thing: "camera-BBBBBB", count: 7, interval: 86_400_000 },
    { thing: "camera-CCCCCC", count: 5, interval: 60_000 },
    { thing: "camera-DDDDDD", count: 1, interval: 1 },
  ]);
  const { gallery } = anna.cloud;
  for (const limit of [1, 5, 24, 100]) {
    const seen: Picture[] = [];
    let after: string | undefined;
    do {
      const page = await gallery.list({ after, limit });
      assert.ok(page.pictures.length <= limit);
      seen.push(...page.pictures);
      after = page.next;
    } while (after);
    assert.deepEqual(
      seen.map(({ key }) => key),
      keys,
      `pages of ${limit}`,
    );
  }
  const [newest] = (await gallery.list({ limit: 1 })).pictures;
  assert.equal(newest.bytes, 4);
  assert.ok(Math.abs(newest.time - Date.now()) < 60_000);
  assert.ok(newest.etag && /^[0-9a-f]{32}$/.test(newest.etag));
  for (const thing of ["camera-AAAAAA", "camera-DDDDDD"])
    assert.equal(
      (await gallery.last(thing))?.key,
      keys.find((key) => key.includes(thing)),
    );
  assert.equal(await gallery.last("camera-EEEEEE"), undefined);
});

test("names without a time are ordered by when they were stored", async () => {
  await using anna = await rig.person();
  const { s3 } = await rig.administrator();
  const key = pictureKey(anna.account.identityId, "camera-X", "holiday");
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: "JPEG" }));
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key.replace(".jpg", ".txt"), Body: "no picture" }));
  s3.destroy();
  const { pictures, next } = await anna.cloud.gallery.list();
  assert.equal(next, undefined);
  assert.deepEqual(
    pictures.map((each) => each.key),
    [key],
  );
  assert.ok(Math.abs(pictures[0].time - Date.now()) < 60_000);
});

test("a camera with more pictures than a page of S3: the newest come without listing the old ones", {
  timeout: 90_000,
}, async () => {
  await using anna = await rig.person();
  // An hour between two: 1,100 pictures are more than six weeks, and more than a page of S3.
  const keys = await fill(anna.account.identityId, [{ thing: "camera-EEEEEE", count: 1100, interval: 3_600_000 }]);
  const before = rig.events.length;
  const first = await anna.cloud.gallery.list({ limit: 24 });
  assert.deepEqual(
    first.pictures.map(({ key }) => key),
    keys.slice(0, 24),
  );
  const second = await anna.cloud.gallery.list({ limit: 24, after: first.next });
  assert.deepEqual(
    second.pictures.map(({ key }) => key),
    keys.slice(24, 48),
  );
  const lists = rig.events
    .slice(before)
    .filter(({ event, method, key }) => event === "request" && method === "GET" && key === "");
  assert.ok(lists.length <= 8, `${lists.length} lists for two pages`);
  const all: string[] = [];
  for (let after: string | undefined, isLast = false; !isLast; isLast = !after) {
    const page = await anna.cloud.gallery.list({ limit: 1000, after });
    all.push(...page.pictures.map(({ key }) => key));
    after = page.next;
  }
  assert.deepEqual(all, keys);
});
