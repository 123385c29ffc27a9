import { CameraDevice, type CameraDeviceHost } from "../../../modules/app/camera-device";
import type { UploadRequest } from "../../../modules/app/photo-uploads";
import { RecordStore } from "../../../modules/storage/record-store";
import { equal, test } from "../harness";

/** A camera with pictures of a thousand bytes, and a cloud that is played by the test. */
class Host {
  records = new RecordStore("progress-test");
  hasSession = true;
  requests: { imageId: string; requestId: string }[] = [];
  uploading: UploadRequest[] = [];
  events = { add() {} };
  #images = 0;

  camera = {
    resolutions: ["VGA"],
    takeStill: async () => ({
      byteLength: 1000,
      width: 640,
      height: 480,
      position: 0,
      read: () => 0,
      rewind: () => true,
    }),
  };
  device = new CameraDevice(this as unknown as CameraDeviceHost);

  nextImageId(): string {
    this.#images += 1;
    return `image-${this.#images}`;
  }

  nextRequestId(): string {
    return `r${this.requests.length}`;
  }

  confirmedNow(): number {
    return 1;
  }

  timeContradicted(): void {}

  now(): number {
    return 1;
  }

  redact(url: string): string {
    return url.split("?")[0];
  }

  upload(request: UploadRequest): void {
    this.uploading.push(request);
  }

  async announce(): Promise<void> {}

  async publishGrantRequest(payload: string): Promise<void> {
    this.requests.push(JSON.parse(payload));
  }

  grant(): void {
    const { imageId, requestId } = this.requests[this.requests.length - 1];
    const grant = { imageId, requestId, url: "https://bucket/key?secret" };
    this.device.uploads.receiveGrant(ArrayBuffer.fromString(JSON.stringify(grant)));
  }

  async do(message: object): Promise<Record<string, unknown>> {
    return (await this.device.execute(message, "mqtt")) as Record<string, unknown>;
  }

  async progress(imageId?: string): Promise<string> {
    const { type, ...answer } = await this.do({ type: "GetUpload", imageId });
    return JSON.stringify(answer);
  }
}

test("before the first picture there is nothing to tell", async () => {
  const host = new Host();
  equal(await host.progress(), '{"imageId":null,"state":"idle","sent":0,"total":0}');
});

test("from the shutter to the bucket", async () => {
  const host = new Host();
  await host.do({ type: "TakePhoto" });
  equal(await host.progress(), '{"imageId":"image-1","state":"idle","sent":0,"total":1000}');
  await host.do({ type: "UploadPhoto", imageId: "image-1" });
  equal(await host.progress(), '{"imageId":"image-1","state":"waiting","sent":0,"total":1000}');
  host.grant();
  equal(await host.progress(), '{"imageId":"image-1","state":"uploading","sent":0,"total":1000}');
  host.device.uploads.sent(512);
  equal(await host.progress("image-1"), '{"imageId":"image-1","state":"uploading","sent":512,"total":1000}');
  host.device.uploads.ended({ status: "stored", bytes: 1000, attempts: 1 });
  equal(await host.progress(), '{"imageId":"image-1","state":"stored","sent":1000,"total":1000}');
});

test("a dead URL is waited for again, from the first byte; a failure has its code", async () => {
  const host = new Host();
  await host.do({ type: "TakePhoto" });
  await host.do({ type: "UploadPhoto", imageId: "image-1", url: "https://bucket/key?secret" });
  host.device.uploads.sent(700);
  host.device.uploads.ended({ status: "needURL", code: "AccessDenied", bytes: 700, attempts: 1, frameIntact: true });
  equal(await host.progress(), '{"imageId":"image-1","state":"waiting","sent":0,"total":1000}');
  host.grant();
  host.device.uploads.sent(300);
  host.device.uploads.ended({ status: "needRetake", code: "SlowDown", bytes: 300, attempts: 2 });
  equal(await host.progress(), '{"imageId":"image-1","state":"needRetake","code":"SlowDown","sent":300,"total":1000}');
});

test("the picture before is told of by its name; what is not known is said so", async () => {
  const host = new Host();
  await host.do({ type: "TakePhoto" });
  await host.do({ type: "UploadPhoto", imageId: "image-1", url: "https://bucket/key?secret" });
  host.device.uploads.ended({ status: "stored", bytes: 1000, attempts: 1 });
  await host.do({ type: "TakePhoto" });
  equal(await host.progress(), '{"imageId":"image-2","state":"idle","sent":0,"total":1000}');
  equal(await host.progress("image-1"), '{"imageId":"image-1","state":"stored","sent":1000,"total":1000}');
  equal((await host.progress("image-7")).includes('"code":"NoSuchPhoto"'), true);
  const { error } = (await host.do({ type: "GetUpload", imageId: 7 })) as { error: { code: string } };
  equal(error.code, "BadField");
});
