import { type PhotoAnnouncement, PhotoUploads, type UploadResult } from "../../../modules/app/photo-uploads";
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
  const events: string[] = [];
  const announced: PhotoAnnouncement[] = [];
  const options = {
    records,
    hasSession: false,
    publishGrantRequest: async () => {},
    nextRequestId: () => "r",
    now: () => 0,
    upload: () => {
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
  return { uploads, events, announced, records, options };
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
  equal(events[0].includes('"code":"InternalError","message":"broken"'), true, events[0]);
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
