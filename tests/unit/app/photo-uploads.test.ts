import {
  type PhotoAnnouncement,
  PhotoUploads,
  type UploadRequest,
  type UploadResult,
} from "../../../modules/app/photo-uploads";
import type { Photo } from "../../../modules/app/photographer";
import { RecordStore } from "../../../modules/storage/record-store";
import { equal, test, throws } from "../harness";

const photo: Photo = {
  imageId: "photo-1",
  frame: { byteLength: 10, width: 4, height: 3, position: 0, read: () => 0, rewind: () => false },
  resolution: "VGA",
  quality: "default",
  time: 5,
};
const stored: UploadResult = { status: "stored", etag: "abc", bytes: 10, attempts: 1 };

function setUp(result: UploadResult | Error, announce: () => Promise<void> = async () => {}) {
  const records = new RecordStore("uploads-test");
  records.delete("announcements");
  records.delete("promise");
  const ended: string[] = [];
  const events: string[] = [];
  const announced: PhotoAnnouncement[] = [];
  const options = {
    records,
    hasSession: false,
    publishGrantRequest: async () => {},
    nextRequestId: () => "r",
    confirmedNow: () => 0,
    timeContradicted() {},
    scheduledEnded: (due: number, code?: string) => ended.push(`${due} ${code}`),
    retake: async (it: Photo) => {
      it.frame = { ...it.frame, mustBeComplete: false };
    },
    upload: (_request?: UploadRequest, _photo?: Photo) => {
      if (result instanceof Error) throw result;
      Promise.resolve(result).then((it) => uploads.ended(it));
    },
    redact: (url: string) => {
      if (!url.startsWith("https:")) throw new RangeError("not a URL");
      return url.split("?")[0];
    },
    announce: async (announcement: PhotoAnnouncement) => {
      await announce();
      announced.push(announcement);
    },
    events: {
      add: (type: string, fields: Record<string, unknown>) => events.push(`${type} ${JSON.stringify(fields)}`),
    },
  };
  const uploads = new PhotoUploads(options);
  return { uploads, events, announced, records, options, ended };
}

async function settled(uploads: PhotoUploads) {
  for (let i = 0; i < 50 || uploads.busy; i++) await Promise.resolve();
}

test("a stored picture is reported and announced without the query", async () => {
  const { uploads, events, announced } = setUp(stored);
  uploads.start({ url: "https://b/k?X-Amz-Signature=secret" }, photo);
  equal(uploads.busy, "photo-1");
  await settled(uploads);
  equal(announced.length, 1);
  equal(announced[0].url, "https://b/k");
  equal(announced[0].etag, "abc");
  equal(events.join().includes("secret"), false);
  equal(events[0].startsWith('UploadResult {"imageId":"photo-1","status":"stored"'), true, events[0]);
  equal(uploads.counters.announced, 1);
  equal(events.slice(1), ['PhotoAnnounced {"imageId":"photo-1"}']);
});

test("storage that is full costs what it would have kept: that is told, and the picture is stored all the same", async () => {
  for (const key of ["promise", "announcements"]) {
    const { uploads, events, options } = setUp(stored);
    const { records } = options;
    options.records = {
      read: (name: string) => records.read(name),
      delete: (name: string) => records.delete(name),
      write(name: string, value: object) {
        if (name === key) throw Object.assign(new Error("no room"), { code: "StorageFailed" });
        records.write(name, value as never);
      },
    } as unknown as RecordStore;
    uploads.start({ url: "https://b/k" }, photo);
    await settled(uploads);
    equal(events[0], 'Error {"code":"StorageFailed","message":"no room"}', key);
    equal(events[1].startsWith('UploadResult {"imageId":"photo-1","status":"stored"'), true, events[1]);
  }
});

test("one upload at a time", () => {
  const { uploads } = setUp(stored);
  uploads.start({ url: "https://b/k" }, photo);
  throws(() => uploads.start({ url: "https://b/k" }, photo));
});

test("a failure is reported with its code, and the next upload may start", async () => {
  const { uploads, events, announced } = setUp({ status: "needURL", code: "AccessDenied", bytes: 0, attempts: 1 });
  uploads.start({ url: "https://b/k" }, photo);
  await settled(uploads);
  equal(events.length, 1);
  equal(events[0].includes('"status":"needURL","code":"AccessDenied"'), true, events[0]);
  equal(announced.length, 0);
  equal(uploads.busy, undefined);
});

test("an uploader that throws is a failure with a name", async () => {
  const { uploads, events } = setUp(new TypeError("broken"));
  uploads.start({ url: "https://b/k" }, photo);
  await settled(uploads);
  equal(events[0].includes('"status":"failed","code":"InternalError","message":"broken"'), true, events[0]);
});

test("an announcement that was not acknowledged outlives a restart", async () => {
  const first = setUp(stored, () => Promise.reject(new Error("offline")));
  first.uploads.start({ url: "https://b/k" }, photo);
  await settled(first.uploads);
  equal(first.uploads.counters.announced, 0);
  const announced: PhotoAnnouncement[] = [];
  const second = new PhotoUploads({ ...first.options, announce: async (it) => void announced.push(it) });
  await second.announcePending();
  equal(announced.map((it) => it.imageId).join(), "photo-1");
  await second.announcePending();
  equal(announced.length, 1);
});

test("a picture that went with the power gets its result after the restart, once", () => {
  for (const due of [undefined, 7]) {
    const { uploads, options, events, ended, records } = setUp(stored);
    options.upload = () => {};
    uploads.start({ url: "https://b/k" }, { ...photo, due });
    equal(events, []);
    const restarted = new PhotoUploads(options);
    restarted.recover();
    equal(events.length, 1);
    equal(
      events[0].startsWith('UploadResult {"imageId":"photo-1","status":"failed","code":"PowerLost"'),
      true,
      events[0],
    );
    equal(events[0].includes('"uncertain":true'), true, "the store may have it");
    equal(ended, due ? ["7 PowerLost"] : []);
    equal(restarted.counters.powerLost, 1);
    equal(records.read("promise"), undefined);
    new PhotoUploads(options).recover();
    equal(events.length, 1);
  }
});

test("what was stored when the power went is not told to be lost", async () => {
  const { uploads, options, events, ended, records } = setUp(stored, () => Promise.reject(new Error("offline")));
  uploads.start({ url: "https://b/k" }, { ...photo, due: 7 });
  await settled(uploads);
  equal(ended, ["7 undefined"]);
  // The cut came before the promise was removed.
  records.write("promise", { imageId: "photo-1", due: 7 });
  const restarted = new PhotoUploads(options);
  restarted.recover();
  equal(ended, ["7 undefined", "7 undefined"]);
  equal(events.filter((event) => event.includes("PowerLost")).length, 0);
  equal(records.read("promise"), undefined);
});

test("whatever the result, nothing is promised any more", async () => {
  for (const result of [
    stored,
    { status: "failed", code: "SlowDown", bytes: 0, attempts: 4 },
    new TypeError("broken"),
  ]) {
    const { uploads, records, ended } = setUp(result);
    const scheduled: Photo = { ...photo };
    uploads.start({ url: "https://b/k" }, scheduled, 7);
    equal(records.read("promise"), result instanceof Error ? undefined : { imageId: "photo-1", due: 7 });
    await settled(uploads);
    equal(records.read("promise"), undefined);
    equal(ended.length, 1);
    equal(scheduled.due, undefined, "another upload of it is not the schedule's");
  }
});

test("announcements that wait are bounded: the oldest makes room, and that is told", async () => {
  let isOnline = false;
  const offline = () => (isOnline ? Promise.resolve() : Promise.reject(new Error("offline")));
  const { uploads, announced, events } = setUp(stored, offline);
  for (let i = 1; i <= 8; i++) {
    uploads.start({ url: "https://b/k" }, { ...photo, imageId: `photo-${i}` });
    await settled(uploads);
  }
  const lost = events.filter((event) => event.includes("AnnouncementLost"));
  equal(lost.length, 2);
  equal(lost[0].includes("photo-1 is stored"), true, lost[0]);
  isOnline = true;
  await uploads.announcePending();
  equal(announced.map(({ imageId }) => imageId).join(), "photo-3,photo-4,photo-5,photo-6,photo-7,photo-8");
});

for (const [length, kept] of [
  [1024, "photo-2,photo-3"],
  [1025, "photo-3"],
  [682, "photo-1,photo-2,photo-3"],
  [683, "photo-2,photo-3"],
] as const)
  test(`announcements with URLs of ${length} characters wait together while all have 2,048 at most: ${kept}`, async () => {
    let isOnline = false;
    const offline = () => (isOnline ? Promise.resolve() : Promise.reject(new Error("offline")));
    const { uploads, announced, events } = setUp(stored, offline);
    for (let i = 1; i <= 3; i++) {
      uploads.start({ url: `https://b/${"k".repeat(length - 10)}` }, { ...photo, imageId: `photo-${i}` });
      await settled(uploads);
    }
    isOnline = true;
    await uploads.announcePending();
    equal(announced.map(({ imageId }) => imageId).join(), kept);
    const lost = events.filter((event) => event.includes("AnnouncementLost"));
    equal(lost.length, 3 - announced.length);
  });

test("a record that is no announcement is passed over", async () => {
  const { uploads, announced, records } = setUp(stored);
  records.write("announcements", { pending: [null, 7, { imageId: "no-url" }, { imageId: 5, url: "https://b/k" }] });
  uploads.start({ url: "https://b/k" }, photo);
  await settled(uploads);
  equal(announced.map(({ imageId }) => imageId).join(), "photo-1");
});

test("an announcement that makes room while it is sent takes no other along", async () => {
  const sending: (() => void)[] = [];
  const { uploads, announced } = setUp(stored, () => new Promise((resolve) => void sending.push(resolve)));
  for (let i = 1; i <= 7; i++) {
    uploads.start({ url: "https://b/k" }, { ...photo, imageId: `photo-${i}` });
    await settled(uploads);
  }
  for (let i = 0; i < 7; i++) {
    sending.shift()?.();
    await settled(uploads);
  }
  equal(announced.map(({ imageId }) => imageId).join(), "photo-1,photo-2,photo-3,photo-4,photo-5,photo-6,photo-7");
});

test("a stored picture of the schedule is announced with the time that it was due", async () => {
  const { uploads, announced } = setUp(stored);
  uploads.start({ url: "https://b/k" }, { ...photo }, 7);
  await settled(uploads);
  equal(announced[0].due, 7);
});

/** Delivers pictures of which it is known whether they are whole; one that must be and is not ends as the uploader ends it. */
function camera(pictures: (boolean | undefined)[]) {
  const parts = setUp(stored);
  const demands: (boolean | undefined)[] = [];
  const next = (it: Photo) => {
    it.frame = { ...photo.frame, complete: pictures.shift(), mustBeComplete: false };
  };
  parts.options.retake = async (it) => next(it);
  parts.options.upload = (request?: UploadRequest, it?: Photo) => {
    const { complete, mustBeComplete } = it!.frame;
    demands.push(mustBeComplete);
    const isCut = mustBeComplete && complete === false;
    const result = isCut ? { status: "needRetake", code: "IncompleteFrame", bytes: 9, attempts: 1 } : stored;
    Promise.resolve(result).then((it) => parts.uploads.ended(it, request));
  };
  const take = async () => {
    const it = { ...photo };
    next(it);
    parts.uploads.start({ url: "https://b/k" }, it, 7);
    await settled(parts.uploads);
    return parts.uploads.progress("photo-1");
  };
  return { ...parts, demands, take };
}

test("a picture that is cut is taken again; then it is whole, and nothing is said of the first", async () => {
  const { uploads, take, announced, events, ended } = camera([false, true]);
  equal((await take())?.complete, undefined);
  equal([uploads.counters.retaken, uploads.counters.incomplete, uploads.counters.uploaded], [1, 0, 1]);
  equal("complete" in JSON.parse(JSON.stringify(announced[0])), false);
  equal(events.filter((event) => event.startsWith("UploadResult")).length, 1);
  equal(events.join().includes("complete"), false);
  equal(ended, ["7 undefined"]);
});

test("one that is cut twice is stored and called incomplete; the next ones are not taken twice until one is whole", async () => {
  const { uploads, take, announced, events, demands } = camera([false, false, false, true, false, true]);
  equal((await take())?.complete, false);
  equal([uploads.counters.retaken, uploads.counters.incomplete], [1, 1]);
  equal(announced[0].complete, false);
  equal(events[0].includes('"complete":false'), true, events[0]);
  equal((await take())?.complete, false);
  equal([uploads.counters.retaken, uploads.counters.incomplete], [1, 2]);
  equal((await take())?.complete, undefined);
  equal((await take())?.complete, undefined);
  equal([uploads.counters.retaken, uploads.counters.incomplete, uploads.counters.uploaded], [2, 2, 4]);
  equal(demands.map(Boolean), [true, false, false, false, true, false]);
});

test("of a picture of which nobody can tell, nothing is told", async () => {
  const { uploads, take, announced } = camera([undefined, undefined]);
  await take();
  equal((await take())?.complete, undefined);
  equal([uploads.counters.retaken, uploads.counters.incomplete], [0, 0]);
  equal(announced[1].complete, undefined);
});

test("a picture is promised once, also when somebody brings a URL for it while it waits", () => {
  const { uploads, options } = setUp(stored);
  options.hasSession = true;
  options.upload = () => {};
  let promises = 0;
  const { records } = options;
  options.records = {
    read: (name: string) => records.read(name),
    delete: (name: string) => records.delete(name),
    write: () => {
      promises += 1;
    },
  } as unknown as RecordStore;
  uploads.start(undefined, photo);
  uploads.start({ url: "https://b/k" }, photo);
  equal([uploads.busy, promises], ["photo-1", 1]);
});
