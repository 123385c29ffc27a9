/**
 * Uploads with URLs of the greatest length to a store that says as much as it can, in a machine with 2 KB of chunks, 256 slots and 64 slots of stack less than the
 * camera's: what is told of an upload, and what has to be masked in it, fits beside everything else.
 */
import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { createServer, type Server } from "node:tls";
import { fileURLToPath } from "node:url";
import { LocalCA } from "../../certs/local-ca.ts";
import type { CameraEvent } from "../../sim/phone/camera-owner.ts";
import { LineRig } from "./line-rig.ts";

const here = dirname(fileURLToPath(import.meta.url));
const manifest = join(here, "firmware/burst/manifest.json");
/** Bytes: of a URL, and of that before its query. */
const urlLimit = 4096;
const placeLimit = 1280;

let rig: LineRig;
let store: Server;
let answer = "";

before(async () => {
  rig = await LineRig.open({ firmware: { manifest, module: "main" } });
  const authority = await LocalCA.open(join(rig.directory, "cloud", "ca"));
  const { keyPem, chainPem } = await authority.issueServer({ names: ["localhost"] });
  store = createServer({ key: keyPem, cert: chainPem }, (socket) => {
    let request = "";
    socket.on("error", () => {}).setEncoding("latin1");
    socket.on("data", (text) => {
      request += text;
      const length = Number(/^content-length: (\d+)/im.exec(request)?.[1]);
      if (request.length - request.indexOf("\r\n\r\n") - 4 >= length) socket.end(answer);
    });
  });
  await new Promise<void>((resolve) => store.listen(0, "localhost", resolve));
  await rig.provision();
});

after(async () => {
  store?.close();
  await rig?.close();
});

function address(place: number, query: string): string {
  const start = `https://localhost:${(store.address() as AddressInfo).port}/`;
  return start.padEnd(place, "k") + query;
}

/** @returns the UploadResult */
async function upload(url: string, headers?: object): Promise<CameraEvent> {
  const { imageId } = await rig.owner.takePhoto({ resolution: "QVGA" });
  const asked = await rig.client.request("camera-upload", { type: "UploadPhoto", imageId, url, headers });
  assert.equal((asked as { accepted?: boolean }).accepted, true);
  const isResult = (event: CameraEvent) => event.type === "UploadResult" && event.imageId === imageId;
  return Promise.race([rig.owner.waitFor("upload result", isResult, 60_000), rig.line.failed]);
}

test("places of 1,280 characters, one after the other: each is told of", async () => {
  answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  const url = address(placeLimit, `?${"q".repeat(urlLimit - placeLimit - 1)}`);
  for (let i = 0; i < 4; i += 1) {
    const { status, url: told } = await upload(url);
    assert.deepEqual([status, told], ["stored", url.slice(0, placeLimit)]);
  }
});

test("headers of 2,048 characters beside a URL of 2,048", async () => {
  const headers = { "x-a": "a".repeat(1021), "x-b": "b".repeat(1021) };
  assert.equal((await upload(address(64, `?${"q".repeat(1983)}`), headers)).status, "stored");
  const { imageId } = await rig.owner.takePhoto({ resolution: "QVGA" });
  const more = { type: "UploadPhoto", imageId, url: address(64, "?q"), headers: { ...headers, x: "" } };
  await assert.rejects(rig.client.request("camera-upload", more), { code: "BadField" });
});

test("a place that is longer is refused by name", async () => {
  const { imageId } = await rig.owner.takePhoto({ resolution: "QVGA" });
  const asked = rig.client.request("camera-upload", {
    type: "UploadPhoto",
    imageId,
    url: address(placeLimit + 1, "?q"),
  });
  await assert.rejects(asked, { code: "URLTooLong" });
});

for (const [name, message] of [
  ["one long word", "m".repeat(512)],
  ["many words", "wwwwwwwwwwww ".repeat(39)],
])
  test(`a refusal of ${name} beside a query of nothing but escapes`, async () => {
    const document = `<Error><Code>AccessDenied</Code><Message>${message}</Message></Error>`;
    answer = `HTTP/1.1 403 Forbidden\r\nContent-Length: ${document.length}\r\n\r\n${document}`;
    const { status, code, message: told } = await upload(address(64, "?token=").padEnd(urlLimit, "%41"));
    assert.deepEqual([status, code], ["failed", "AccessDenied"]);
    assert.ok(message.startsWith(String(told).slice(0, 12)), String(told));
  });
