/**
 * Each picture gets one result and makes way for the next, whoever throws: every call that an upload makes of its host (storage, events, the
 * uploader, the cloud, the schedule) throws once, at each of its calls in turn.
 */
import { PhotoUploads, type UploadHost, type UploadResult } from "../../../modules/app/photo-uploads";
import { type Photo, Photographer } from "../../../modules/app/photographer";
import { RecordStore } from "../../../modules/storage/record-store";
import { assert, equal, rejects, test, throws } from "../harness";

const frame = { byteLength: 10, width: 4, height: 3, position: 0, read: () => 0, rewind: () => false };
const imageId = "photo-1";
const request = { url: "https://b/k?X-Amz-Signature=secret" };
const grant = (fields: object) => ArrayBuffer.fromString(JSON.stringify({ imageId, requestId: "r", ...fields }));

interface Run {
  calls: number;
  victim: string;
  results: string[];
  /** Thrown by `start`. */
  refused?: unknown;
}

/** One picture from `start` to its result. */
async function run(
  at: number,
  begin: (uploads: PhotoUploads, photo: Photo) => void,
  outcomes: readonly UploadResult[],
): Promise<Run> {
  const one: Run = { calls: 0, victim: "", results: [] };
  const strike = (name: string) => {
    one.calls += 1;
    if (one.calls !== at) return;
    one.victim = name;
    throw new TypeError(`sabotage of ${name}`);
  };
  const records = new RecordStore("outcome-test");
  records.delete("announcements");
  records.delete("promise");
  const left = [...outcomes];
  const host: UploadHost = {
    records: {
      read(key: string) {
        strike(`records.read ${key}`);
        return records.read(key);
      },
      write(key: string, value: object) {
        strike(`records.write ${key}`);
        records.write(key, value as never);
      },
      delete(key: string) {
        strike(`records.delete ${key}`);
        records.delete(key);
      },
    } as unknown as RecordStore,
    events: {
      add(type, fields) {
        // An event that is refused counts as told: what matters is that it was told once.
        if (type === "UploadResult") one.results.push(String(fields.status));
        strike(`events.add ${type}`);
      },
    },
    upload() {
      strike("upload");
      const result = left.shift() as UploadResult;
      Promise.resolve().then(() => uploads.ended(result, request));
    },
    async retake() {
      strike("retake");
    },
    redact(url) {
      strike("redact");
      return url.split("?")[0];
    },
    async announce() {
      strike("announce");
    },
    hasSession: true,
    async publishGrantRequest() {
      strike("publishGrantRequest");
      Promise.resolve().then(() => uploads.receiveGrant(grant({ url: "https://b/k?granted" })));
    },
    nextRequestId() {
      strike("nextRequestId");
      return "r";
    },
    confirmedNow() {
      strike("now");
      return 5;
    },
    timeContradicted: () => strike("timeContradicted"),
    scheduledEnded: () => strike("scheduledEnded"),
  };
  const uploads = new PhotoUploads(host);
  const photo: Photo = { imageId, frame, resolution: "VGA", quality: "default", time: 5, due: 7 };
  try {
    begin(uploads, photo);
  } catch (error) {
    one.refused = error;
  }
  for (let i = 0; i < 60; i += 1) await undefined;
  // The request that went missing is repeated by a timer; here somebody takes a picture meanwhile.
  uploads.makeWay(true);
  equal(uploads.busy, undefined, `busy after sabotage of ${one.victim}`);
  uploads.checkFree(false);
  equal(photo.due, one.refused ? photo.due : undefined);
  equal(one.results.length, one.refused ? 0 : 1, `results after sabotage of ${one.victim}`);
  return one;
}

const stored: UploadResult = { status: "stored", etag: "abc", bytes: 10, attempts: 1 };
const dead: UploadResult = { status: "needURL", code: "AccessDenied", frameIntact: true, bytes: 0, attempts: 1 };
const cut: UploadResult = { status: "needRetake", code: "IncompleteFrame", bytes: 9, attempts: 1 };
const lost: UploadResult = { status: "failed", code: "ConnectionLost", bytes: 10, attempts: 4, uncertain: true };

const stories: [
  name: string,
  begin: (uploads: PhotoUploads, photo: Photo) => void,
  outcomes: UploadResult[],
  end: string,
][] = [
  ["stored at a URL that somebody brought", (uploads, photo) => uploads.start(request, photo, 7), [stored], "stored"],
  ["stored with a grant", (uploads, photo) => uploads.start(undefined, photo, 7), [stored], "stored"],
  ["a dead URL, then a grant", (uploads, photo) => uploads.start(request, photo, 7), [dead, stored], "stored"],
  [
    "two dead URLs and no more grants",
    (uploads, photo) => uploads.start(request, photo),
    [dead, dead, dead],
    "needURL",
  ],
  ["cut, then taken again", (uploads, photo) => uploads.start(request, photo, 7), [cut, stored], "stored"],
  ["lost", (uploads, photo) => uploads.start(request, photo, 7), [lost], "failed"],
];

for (const [name, begin, outcomes, end] of stories) {
  test(`one result and a free camera, whatever throws: ${name}`, { timeout: 60_000 }, async () => {
    const whole = await run(0, begin, outcomes);
    equal(whole.results, [end]);
    assert(whole.calls >= 5, `${whole.calls} calls`);
    for (let at = 1; at <= whole.calls; at += 1) {
      const { victim, results, refused } = await run(at, begin, outcomes);
      if (refused) equal(victim, "redact", "nothing else refuses what was asked for");
      // What is in the bucket is not told to be lost.
      if (end === "stored" && /^(records.delete|events.add|announce|scheduledEnded)/.test(victim))
        equal(results, [end], victim);
    }
  });
}

test("a result that comes twice, or late, is told once", async () => {
  const results: string[] = [];
  let told: UploadResult | undefined;
  const host = {
    records: new RecordStore("outcome-test"),
    events: { add: (type: string) => type === "UploadResult" && results.push(type) },
    upload: () => {},
    redact: (url: string) => url,
    announce: async () => {},
    hasSession: false,
    scheduledEnded: () => {},
  } as unknown as UploadHost;
  const uploads = new PhotoUploads(host);
  const photo: Photo = { imageId, frame, resolution: "VGA", quality: "default", time: 5 };
  uploads.start(request, photo);
  for (told of [lost, lost, stored]) uploads.ended(told);
  equal(results.length, 1);
});

test("a picture whose every byte went out is known to be there perhaps, at that place", () => {
  const host = {
    records: new RecordStore("outcome-test"),
    events: { add: () => {} },
    upload: () => {},
    redact: (url: string) => url.split("?")[0],
    hasSession: false,
    scheduledEnded: () => {},
  } as unknown as UploadHost;
  for (const [result, sentTo] of [
    [lost, "https://b/k"],
    [{ ...lost, uncertain: false }, undefined],
    [stored, "https://b/k"],
  ] as const) {
    const photo: Photo = { imageId, frame, resolution: "VGA", quality: "default", time: 5 };
    const uploads = new PhotoUploads(host);
    uploads.start(request, photo);
    uploads.ended(result);
    equal(photo.sentTo, sentTo);
  }
});

test("a camera that throws anywhere while it takes a picture is free for the next one", async () => {
  for (let at = 1; ; at += 1) {
    let calls = 0;
    const strike = <T>(value: T): T => {
      calls += 1;
      if (calls === at) throw new TypeError("sabotage");
      return value;
    };
    const photographer = new Photographer(
      {
        camera: {
          resolutions: ["128x128", "VGA"],
          async takeStill() {
            return strike({ ...frame, byteLength: 8, read: (buffer: Uint8Array) => strike(buffer.length) });
          },
        },
        nextImageId: () => strike("i"),
        now: () => strike(0),
        prepareCamera: () => strike({ resolution: "VGA", quality: "default" }),
      },
      { checkFree: strike, makeWay: strike },
    );
    const isWhole = await photographer.take({}).then(
      () => true,
      () => false,
    );
    if (isWhole) {
      assert(at > 7, `${at} calls`);
      break;
    }
    // The saboteur strikes once.
    equal((await photographer.take({})).imageId, "i");
  }
  throws(() => new PhotoUploads({} as UploadHost).start(request, {} as Photo));
  await rejects(new Photographer({} as never).take({}));
});
