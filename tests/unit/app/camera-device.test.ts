import { CameraDevice, type CameraDeviceHost } from "../../../modules/app/camera-device";
import { EventLog } from "../../../modules/app/event-log";
import type { UploadRequest } from "../../../modules/app/photo-uploads";
import type { Photo } from "../../../modules/app/photographer";
import { IdentityStore } from "../../../modules/storage/identity-store";
import { RecordStore } from "../../../modules/storage/record-store";
import { equal, test } from "../harness";
import { giveIdentity } from "../storage/given-identity";

const thumbnailBytes = 650;
const ownName = /^camera-[a-z2-7]{24}$/;

/** A camera with one owner's identity or none, asked by commands as a phone or the cloud asks. */
class Host {
  records = new RecordStore("device-test");
  identities = new IdentityStore(this.records);
  events = new EventLog(this);
  label = { name: "PROV_0A1B2C", proofOfPossession: "secret", serial: "0A1B2C" };
  productId = "product";
  firmware = "1.2.3";
  enrolling = { applyState: "none", error: undefined };
  endpoint: string | undefined;
  hasSession = true;
  uploading: UploadRequest[] = [];
  /** What the cloud was asked for. */
  asked: string[] = [];
  /** Pictures of the schedule whose end was told. */
  scheduled: unknown[] = [];
  camera = {
    resolutions: ["128x128", "VGA"],
    identification: { id: 0, model: "unknown" },
    takeStill: async ({ resolution }: { resolution: string }) => frame(resolution === "VGA" ? 1000 : thumbnailBytes),
  };
  device: CameraDevice;

  constructor() {
    this.identities.erase();
    this.device = new CameraDevice(this as unknown as CameraDeviceHost);
  }

  now(): number {
    return 5;
  }

  onEvent(): void {}

  nextImageId(): string {
    return "image-1";
  }

  redact(url: string): string {
    return url.split("?")[0];
  }

  upload(request: UploadRequest): void {
    this.uploading.push(request);
  }

  nextRequestId(): string {
    return "request-1";
  }

  async publishGrantRequest(payload: string): Promise<void> {
    this.asked.push(payload);
  }

  scheduledEnded(due: number, code: string | undefined): void {
    this.scheduled.push([due, code]);
  }

  encodeBase64(bytes: Uint8Array): string {
    return `${bytes.length} from ${bytes[0]}`;
  }

  collectTelemetry(): object {
    return { uptime: 7 };
  }

  async do(message: object, transport: "mqtt" | "bluetooth" = "mqtt"): Promise<Record<string, unknown>> {
    // The stack of a test is not that of the camera, which begins a command as a job of its own.
    await undefined;
    return (await this.device.execute(message, transport)) as Record<string, unknown>;
  }

  async code(message: object): Promise<string | undefined> {
    return ((await this.do(message)).error as { code: string } | undefined)?.code;
  }
}

/** Each byte is its place, modulo 251. */
function frame(byteLength: number): object {
  let position = 0;
  const read = (buffer: Uint8Array) => {
    const count = Math.min(buffer.length, byteLength - position);
    for (let i = 0; i < count; i += 1) buffer[i] = (position + i) % 251;
    position += count;
    return count;
  };
  return { byteLength, width: 640, height: 480, position, read, rewind: () => true };
}

test("a camera that is nobody's yet tells what it is, and not who", async () => {
  const host = new Host();
  const { ownThingName, ...rest } = await host.do({ type: "GetDeviceInfo" });
  equal(ownName.test(ownThingName as string), true);
  equal(JSON.parse(JSON.stringify(rest)), {
    type: "GetDeviceInfo",
    thingName: null,
    certificateId: null,
    applyState: "none",
    serial: "0A1B2C",
    productId: "product",
    firmware: "1.2.3",
    cameraId: null,
    cameraModel: null,
    resolutions: ["128x128", "VGA"],
    state: "unprovisioned",
    endpoint: null,
    photo: null,
  });
});

test("an owner's camera tells its names, the broker, its model and its picture", async () => {
  const host = new Host();
  giveIdentity(host.identities, { thingName: "porch", endpoint: "a", certificate: "c", key: "k" }, "id-1");
  host.endpoint = "broker:8883";
  host.camera.identification = { id: 0x81, model: "5MP" };
  host.device.state = "online";
  await host.do({ type: "TakePhoto" });
  const told = await host.do({ type: "GetDeviceInfo" });
  equal(
    [told.thingName, told.certificateId, told.endpoint, told.cameraId, told.cameraModel, told.state, told.photo],
    ["porch", "id-1", "broker:8883", 0x81, "5MP", "online", "image-1"],
  );
});

test("an identity that is on trial is who the camera is, while there is no other", async () => {
  const host = new Host();
  host.identities.propose({ thingName: "next", endpoint: "a", certificate: "c", key: "k" }, "id-2");
  equal((await host.do({ type: "GetDeviceInfo" })).thingName, "next");
});

test("a certificate that was stored without its id is read for it; one that is none has none", async () => {
  // SHA-256 of the bytes 0, 0 and 0.
  const id = "709e80c88487a2411e1ee4dfb9f22a861492d20c4765150c0c794abd70f8147c";
  for (const [certificate, certificateId] of [
    ["-----BEGIN CERTIFICATE-----\nAA\nAA\n-----END CERTIFICATE-----\n", id],
    ["none", null],
  ]) {
    const host = new Host();
    giveIdentity(host.identities, { thingName: "porch", endpoint: "a", certificate: certificate as string, key: "k" });
    equal((await host.do({ type: "GetDeviceInfo" })).certificateId, certificateId);
  }
});

test("a key of its own that cannot be stored costs the name only", async () => {
  const host = new Host();
  host.records.delete("ownKey");
  const value = () => {
    throw new Error("full");
  };
  Object.defineProperty(host.records, "write", { value });
  const { ownThingName, serial } = await host.do({ type: "GetDeviceInfo" });
  equal([ownThingName, serial], [null, "0A1B2C"]);
});

test("what hands out or replaces the identity is for somebody in the room, and each command has its place", async () => {
  const { device } = new Host();
  const places: Record<string, string[]> = {
    "camera-cert": ["CreateCsr", "RegisterDevice", "ProveOwnership", "ProvisionByClaim", "RotateCertificate"],
    "camera-command": ["GetDeviceInfo", "GetTelemetry", "TakePhoto", "GetThumbnail"],
    "camera-upload": ["UploadPhoto", "GetUpload"],
    "camera-event": ["GetEvents"],
  };
  const local = ["CreateCsr", "RegisterDevice", "ProveOwnership", "ProvisionByClaim", "GetEvents"];
  const codeOf = (answer: object) => (answer as { error?: { code: string } }).error?.code;
  for (const home of Object.keys(places))
    for (const type of places[home]) {
      for (const endpoint of ["camera-cert", "camera-command", "camera-upload", "camera-event"] as const) {
        // Nobody can carry these out here: it is about who is asked at all.
        const code = codeOf(await device.execute({ type, expires: 1 }, "bluetooth", endpoint));
        equal(code, endpoint === home ? "Expired" : "UnknownCommand", `${type} on ${endpoint}`);
      }
      const code = codeOf(await device.execute({ type, expires: 1 }, "mqtt"));
      equal(code, local.includes(type) ? "NotAllowed" : "Expired", type);
    }
});

test("it matters that these are carried out once", () => {
  const { device } = new Host();
  for (const type of ["TakePhoto", "UploadPhoto", "RotateCertificate"]) equal(device.isLasting({ type }), true, type);
  for (const type of [
    "GetTelemetry",
    "GetUpload",
    "GetThumbnail",
    "GetDeviceInfo",
    "Nothing",
    "toString",
    7,
    undefined,
  ])
    equal(device.isLasting({ type }), false, String(type));
});

test("telemetry, and a request for a certificate with the name that it is for", async () => {
  const host = new Host();
  equal(await host.do({ type: "GetTelemetry" }), { type: "GetTelemetry", uptime: 7 });
  const { csr } = await host.do({ type: "CreateCsr", thingName: "porch" }, "bluetooth");
  equal((csr as string).startsWith("-----BEGIN CERTIFICATE REQUEST-----"), true);
  equal((await host.identities.pendingKey("porch")) !== undefined, true);
});

test("the thumbnail is fetched in pieces, up to its end", async () => {
  const host = new Host();
  await host.do({ type: "TakePhoto" });
  for (const [offset, bytes] of [
    [undefined, "300 from 0"],
    [0, "300 from 0"],
    [300, "300 from 49"],
    [600, "50 from 98"],
    [650, "0 from undefined"],
  ] as const) {
    const answer = await host.do({ type: "GetThumbnail", imageId: "image-1", offset });
    equal([answer.offset, answer.byteLength, answer.bytes], [offset ?? 0, thumbnailBytes, bytes]);
  }
  equal(await host.code({ type: "GetThumbnail", imageId: "image-1", offset: 651 }), "BadField");
  equal(await host.code({ type: "GetThumbnail", imageId: "image-2" }), "NoSuchPhoto");
  host.camera.resolutions = ["VGA"];
  await host.do({ type: "TakePhoto" });
  equal(await host.code({ type: "GetThumbnail", imageId: "image-1" }), "NoThumbnail");
});

test("while a picture goes up, credentials of more than 4,096 characters have to wait", async () => {
  const host = new Host();
  host.enrolling = { ...host.enrolling, register: () => ({}), provisionByClaim: () => ({}) } as never;
  const fields = { certPem: "c".repeat(2000), privKey: "k".repeat(1000), rootCA: "r".repeat(1097) };
  const code = async (message: object) =>
    ((await host.device.execute(message, "bluetooth")) as { error?: { code: string } }).error?.code;
  const codes = async (more: object = {}) => [
    await code({ type: "RegisterDevice", ...fields, ...more }),
    await code({ type: "ProvisionByClaim", ...fields, ...more }),
  ];
  equal(await codes(), [undefined, undefined]);
  await host.do({ type: "TakePhoto" });
  equal(await codes(), [undefined, undefined]);
  await host.do({ type: "UploadPhoto", imageId: "image-1", url: "https://b/k" });
  equal(await codes(), ["Busy", "Busy"]);
  equal(await codes({ rootCA: "r".repeat(1096) }), [undefined, undefined]);
  equal(await codes({ rootCA: 7 }), [undefined, undefined]);
});

test("headers and framing go with the URL that somebody brings", async () => {
  for (const [given, taken] of [
    [{}, { headers: undefined, framing: "length" }],
    [
      { headers: null, framing: null },
      { headers: undefined, framing: "length" },
    ],
    [{ framing: "chunked" }, { headers: undefined, framing: "chunked" }],
    [{ headers: [["Content-Type", "image/jpeg"]] }, { headers: [["Content-Type", "image/jpeg"]], framing: "length" }],
  ] as const) {
    const host = new Host();
    await host.do({ type: "TakePhoto" });
    const answer = await host.do({ type: "UploadPhoto", imageId: "image-1", url: "https://b/k?q", ...given });
    equal(answer, { type: "UploadPhoto", imageId: "image-1", accepted: true });
    equal(JSON.stringify(host.uploading), JSON.stringify([{ url: "https://b/k?q", ...taken }]));
  }
});

test("headers that are no object of strings, or too many, begin no upload; nor does an unknown framing", async () => {
  const host = new Host();
  await host.do({ type: "TakePhoto" });
  for (const headers of ["Content-Type", 7, true, false, 0, "", {}, ["x"], [["x"]], [["x", 1]], [["x", ["y"]]]]) {
    const answer = await host.do({ type: "UploadPhoto", imageId: "image-1", url: "https://b/k", headers });
    const { code, message } = answer.error as { code: string; message: string };
    equal([code, message], ["BadField", "headers is an object of strings"], JSON.stringify(headers));
  }
  const many = (count: number) => Array.from({ length: count }, (_, i) => [`x-${i}`, "1"]);
  equal(
    await host.code({ type: "UploadPhoto", imageId: "image-1", url: "https://b/k", headers: many(17) }),
    "BadField",
  );
  for (const framing of ["", "Length", 7])
    equal(await host.code({ type: "UploadPhoto", imageId: "image-1", url: "https://b/k", framing }), "BadField");
  equal([host.uploading.length, host.device.uploads.busy], [0, undefined]);
  equal(await host.code({ type: "UploadPhoto", imageId: "image-1", url: "https://b/k", headers: many(16) }), undefined);
});

test("events are fetched from a number on", async () => {
  const host = new Host();
  await host.do({ type: "TakePhoto" });
  const { events, last, lost } = await host.do({ type: "GetEvents" }, "bluetooth");
  equal(events, [
    { n: 1, type: "PhotoCaptured", time: 5, imageId: "image-1", byteLength: 1000, width: 640, height: 480 },
  ]);
  equal([last, lost], [1, 0]);
  equal((await host.do({ type: "GetEvents", since: 1 }, "bluetooth")).events, []);
});

test("the schedule's picture is taken as its owner wants it, and the cloud asked where it may go", async () => {
  const host = new Host();
  await host.device.takeScheduled(77);
  equal(
    host.asked.map((payload) => JSON.parse(payload)),
    [{ imageId: "image-1", byteLength: 1000, contentType: "image/jpeg", requestId: "request-1" }],
  );
  equal(
    host.events.since(0).events.map(({ type }) => type),
    ["PhotoCaptured"],
  );
  equal(host.device.uploads.busy, "image-1");
  host.device.uploads.makeWay(true);
  equal(host.scheduled, [[77, "Replaced"]]);
});

test("another picture in the place of a cut one is told of under the same name", async () => {
  const host = new Host();
  await host.do({ type: "TakePhoto" });
  await host.device.retake({ imageId: "image-1", resolution: "VGA", quality: "low" } as Photo);
  const [, event] = host.events.since(0).events;
  equal(event, { n: 2, type: "PhotoRetaken", time: 5, imageId: "image-1", byteLength: 1000, width: 640, height: 480 });
  equal((await host.do({ type: "GetDeviceInfo" })).photo, "image-1");
});

test("a thing name that is longer than a common name may be is cut in the request, and whole for its key", async () => {
  const host = new Host();
  const thingName = "x".repeat(128);
  const { csr } = await host.do({ type: "CreateCsr", thingName }, "bluetooth");
  equal((csr as string).startsWith("-----BEGIN CERTIFICATE REQUEST-----"), true);
  equal(host.identities.pendingKey(thingName) !== undefined, true);
  for (const refused of ["x".repeat(129), "", "a b", "a/b", 7, undefined]) {
    const { error } = await host.do({ type: "CreateCsr", thingName: refused }, "bluetooth");
    equal((error as { code: string }).code, "BadField", String(refused));
  }
});

test("the stated limits of names and URLs are the bounds", async () => {
  const host = new Host();
  await host.do({ type: "TakePhoto" });
  const url = (length: number) => `https://b/${"k".repeat(length - 10)}`;
  equal(await host.code({ type: "UploadPhoto", imageId: "image-1", url: url(4097) }), "BadField");
  equal(await host.code({ type: "UploadPhoto", imageId: "image-1", url: url(4096) }), undefined);
  for (const [length, code] of [
    [64, "NoSuchPhoto"],
    [65, "BadField"],
  ] as const) {
    const imageId = "i".repeat(length);
    for (const type of ["GetThumbnail", "UploadPhoto", "GetUpload"])
      equal(await host.code({ type, imageId }), code, type);
  }
  for (const name of ["resolution", "quality"]) {
    const refusal = name === "quality" ? "BadQuality" : "BadResolution";
    const { code } = (await new Host().do({ type: "TakePhoto", [name]: "x".repeat(16) })).error as { code: string };
    equal(code, refusal);
    equal(await new Host().code({ type: "TakePhoto", [name]: "x".repeat(17) }), "BadField");
  }
});
