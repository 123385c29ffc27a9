import { PhotoUploads, type UploadRequest, type UploadResult } from "../../../modules/app/photo-uploads";
import type { Photo } from "../../../modules/app/photographer";
import { CloudError } from "../../../modules/cloud/cloud-error";
import { RecordStore } from "../../../modules/storage/record-store";
import { assert, equal, test, throws } from "../harness";

const photo: Photo = {
  imageId: "photo-1",
  frame: { byteLength: 10, width: 4, height: 3, position: 0, read: () => 0, rewind: () => true },
  resolution: "VGA",
  quality: "default",
  time: 5,
};
const stored: UploadResult = { status: "stored", etag: "abc", bytes: 10, attempts: 1 };
const dead: UploadResult = { status: "needURL", code: "URLExpired", bytes: 0, attempts: 0, frameIntact: true };

class Host {
  records = new RecordStore("grants-test");
  hasSession = true;
  requests: { imageId: string; byteLength: number; requestId: string }[] = [];
  sent: UploadRequest[] = [];
  added: Record<string, unknown>[] = [];
  contradictions: string[] = [];
  uploads = new PhotoUploads(this);

  get events() {
    return { add: (type: string, fields: Record<string, unknown>) => this.added.push({ type, ...fields }) };
  }

  upload(request: UploadRequest): void {
    this.sent.push(request);
  }

  redact(url: string): string {
    if (!url.startsWith("https:")) throw Object.assign(new RangeError("not a URL"), { code: "MalformedURL" });
    return url.split("?")[0];
  }

  async announce(): Promise<void> {}

  retakes: (() => void)[] = [];

  /** The next picture has twelve bytes, or the camera fails. */
  async retake(it: Photo): Promise<void> {
    this.retakes.shift()?.();
    it.frame = { ...it.frame, byteLength: 12 };
  }

  async publishGrantRequest(payload: string): Promise<void> {
    this.requests.push(JSON.parse(payload));
  }

  nextRequestId(): string {
    return `r${this.requests.length + 1}`;
  }

  confirmedNow(): number {
    return 1;
  }

  timeContradicted(code: string): void {
    this.contradictions.push(code);
  }

  scheduledEnded(): void {}

  /** The cloud answers the last request. */
  answer(fields: object): void {
    const { imageId, requestId } = this.requests[this.requests.length - 1];
    this.uploads.receiveGrant(ArrayBuffer.fromString(JSON.stringify({ imageId, requestId, ...fields })));
  }

  get results(): Record<string, unknown>[] {
    return this.added.filter(({ type }) => type === "UploadResult");
  }
}

test("without a URL the cloud is asked, and the picture goes where the grant says", () => {
  const host = new Host();
  host.uploads.start(undefined, photo);
  equal(host.uploads.busy, "photo-1");
  equal(host.requests[0].byteLength, 10);
  host.answer({ url: "https://b/k?signed", headers: { "Content-Type": "image/jpeg" } });
  equal(host.sent, [{ url: "https://b/k?signed", headers: [["Content-Type", "image/jpeg"]], framing: undefined }]);
  host.uploads.ended(stored);
  equal(host.results[0].status, "stored");
  equal(host.results[0].url, "https://b/k");
  equal(host.uploads.busy, undefined);
  equal(host.uploads.counters.granted, 1);
});

test("a grant that has expired before it came contradicts the clock", () => {
  const host = new Host();
  host.uploads.start(undefined, photo);
  host.answer({ url: "https://b/k?signed", expires: 1 });
  equal([host.contradictions, host.sent.length], [["ExpiredGrant"], 0]);
  host.answer({ url: "https://b/k?signed", expires: 2 });
  equal([host.contradictions.length, host.sent.length], [1, 1]);
  host.uploads.ended(stored);
});

test("a URL that turns out dead is replaced by a grant", () => {
  const host = new Host();
  host.uploads.start({ url: "https://b/old" }, photo);
  equal(host.requests.length, 0);
  host.uploads.ended(dead);
  equal(host.results, [], "nothing is over yet");
  host.answer({ url: "https://b/new" });
  host.uploads.ended(stored);
  equal(host.results.length, 1);
  equal(host.results[0].url, "https://b/new");
});

test("dead grants are replaced once, then the store's own reason is told", () => {
  const host = new Host();
  host.uploads.start(undefined, photo);
  host.answer({ url: "https://b/1" });
  host.uploads.ended(dead);
  host.answer({ url: "https://b/2" });
  host.uploads.ended(dead);
  equal(
    host.requests.map(({ requestId }) => requestId),
    ["r1", "r2"],
  );
  equal(host.results.length, 1);
  equal(host.results[0].code, "URLExpired");
  equal(host.uploads.counters.failed, 1);
  host.uploads.start(undefined, photo);
  equal(host.requests.length, 3, "the next upload has its own");
  host.answer({ error: { code: "NotBound" } });
});

test("nobody is asked for a URL when the picture is gone, nor without a session", () => {
  const host = new Host();
  host.uploads.start({ url: "https://b/old" }, photo);
  host.uploads.ended({ ...dead, frameIntact: false });
  host.hasSession = false;
  host.uploads.start({ url: "https://b/old" }, photo);
  host.uploads.ended(dead);
  equal(
    host.results.map(({ code }) => code),
    ["URLExpired", "URLExpired"],
  );
  throws(() => host.uploads.start(undefined, photo), "NotConnected");
  equal(host.requests.length, 0);
  equal(host.uploads.busy, undefined);
});

test("a refusal is told with its name, and the picture stays for somebody with a URL", () => {
  const host = new Host();
  host.uploads.start(undefined, photo);
  host.answer({ error: { code: "NotBound", message: "nobody's camera" } });
  const { code, message, status, action, frameIntact, attempts } = host.results[0];
  equal([code, message, status, frameIntact], ["GrantRefused", "NotBound: nobody's camera", "needURL", true]);
  equal([action, attempts], ["newURL", 0]);
  equal(host.uploads.counters.grantRefused, 1);
  host.uploads.start({ url: "https://b/k" }, photo);
  equal(host.sent.length, 1);
});

test("whoever brings a URL need not wait for the cloud", () => {
  const host = new Host();
  host.uploads.start(undefined, photo);
  throws(() => host.uploads.start(undefined, photo), "Busy");
  throws(() => host.uploads.start({ url: "https://b/k" }, { ...photo, imageId: "photo-2" }), "Busy");
  throws(() => host.uploads.start({ url: "gopher" }, photo), "MalformedURL");
  host.uploads.start({ url: "https://b/brought" }, photo);
  throws(() => host.uploads.start({ url: "https://b/again" }, photo), "Busy");
  host.answer({ url: "https://b/granted" });
  equal(host.sent, [{ url: "https://b/brought" }]);
  host.uploads.ended(stored);
  equal(
    host.results.map(({ url }) => url),
    ["https://b/brought"],
  );
  equal(host.uploads.counters.grantIgnored, 1);
});

test("a grant that is no URL is a failure with a name", () => {
  const host = new Host();
  host.uploads.start(undefined, photo);
  host.answer({ url: "gopher" });
  equal(host.results[0].code, "MalformedURL");
  equal(host.uploads.busy, undefined);
});

test("grants that nobody waits for are counted and dropped", () => {
  const host = new Host();
  host.uploads.start(undefined, photo);
  host.uploads.receiveGrant(ArrayBuffer.fromString("{}"));
  host.answer({ url: "https://b/k" });
  host.answer({ url: "https://b/k" });
  equal(host.uploads.counters.grantIgnored, 2);
  equal(host.sent.length, 1);
  host.uploads.ended(stored);
  host.answer({ url: "https://b/k" });
  equal(host.uploads.counters.grantIgnored, 3);
  assert(!host.added.some((event) => JSON.stringify(event).includes("signed")));
});

test("a picture that waits makes way for a person's, not for the schedule's, and tells of it", () => {
  const host = new Host();
  host.uploads.start(undefined, photo);
  throws(() => host.uploads.makeWay(false), "Busy");
  host.uploads.checkFree(true);
  equal(host.results.length, 0);
  host.uploads.makeWay(true);
  equal(host.results.length, 1);
  equal(host.results[0].code, "Replaced");
  equal(host.uploads.busy, undefined);
  host.answer({ url: "https://b/k" });
  equal(host.sent, [], "the grant comes too late");
});

test("what is on its way to the store stays", () => {
  const host = new Host();
  host.uploads.makeWay(true);
  host.uploads.start({ url: "https://b/k" }, photo);
  throws(() => host.uploads.makeWay(true), "Busy");
  equal(host.uploads.busy, "photo-1");
});

const settled = async () => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};

const cut: UploadResult = { status: "needRetake", code: "IncompleteFrame", bytes: 9, attempts: 1, frameIntact: true };
const request: UploadRequest = { url: "https://b/1?X=1", headers: [["Content-Length", "10"]] };

test("a cut picture is taken again and sent with the same URL; one that was signed for its length is asked for anew", async () => {
  const host = new Host();
  host.uploads.start(request, { ...photo });
  host.uploads.ended(cut, request);
  equal(host.uploads.busy, "photo-1", "while it is taken");
  await settled();
  equal(host.sent.length, 2);
  equal(host.sent[1], request);
  host.uploads.ended({ ...dead, code: "LengthMismatch" });
  await settled();
  equal([host.requests.length, host.requests[0].imageId, host.requests[0].byteLength], [1, "photo-1", 12]);
  host.answer({ url: "https://b/2?X=2" });
  host.uploads.ended(stored);
  equal(host.results.length, 1);
  equal(host.results[0].status, "stored");
});

test("a picture that is taken again has its two grants before it", async () => {
  const host = new Host();
  host.uploads.start(undefined, { ...photo });
  host.answer({ url: "https://b/1?X=1" });
  host.uploads.ended(dead);
  await settled();
  host.answer({ url: "https://b/2?X=2" });
  host.uploads.ended(cut, request);
  for (let grant = 3; grant <= 4; grant++) {
    await settled();
    host.uploads.ended({ ...dead, code: "LengthMismatch" });
    equal(host.requests.length, grant);
    host.answer({ url: `https://b/${grant}?X=${grant}` });
  }
  host.uploads.ended(dead);
  equal(host.results.length, 1);
  equal(host.results[0].code, "URLExpired");
});

test("the camera fails to take it again: one result, with its reason, and the camera is free", async () => {
  const host = new Host();
  host.retakes.push(() => {
    throw Object.assign(new Error("never finished"), { code: "CaptureTimeout" });
  });
  host.uploads.start(request, { ...photo });
  host.uploads.ended(cut, request);
  await settled();
  equal(host.sent.length, 1);
  equal(host.results.length, 1);
  equal(host.results[0].code, "RetakeFailed");
  equal(host.results[0].message, "CaptureTimeout: never finished");
  equal([host.uploads.busy, host.uploads.counters.retaken, host.uploads.counters.failed], [undefined, 1, 1]);
});

test("a request that is given up counts once, and nobody's schedule hears of it", () => {
  const host = new Host();
  const ended: unknown[] = [];
  Object.defineProperty(host, "scheduledEnded", { value: (...values: unknown[]) => void ended.push(values) });
  host.uploads.start(undefined, { ...photo });
  host.answer({ error: { code: "NotBound" } });
  equal(ended, []);
  host.uploads.start(undefined, { ...photo }, 7);
  host.answer({ error: { code: "NotBound" } });
  equal(ended, [[7, "GrantRefused"]]);
  // Late: the picture is gone by then.
  host.uploads.onNotGranted(new CloudError("NoGrant", "no URL"));
  equal([host.uploads.counters.noGrant, host.uploads.counters.grantRefused, host.results.length], [1, 2, 2]);
});
