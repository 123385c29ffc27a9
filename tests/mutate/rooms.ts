/** What is mutated, room by room, and who is asked when the unit tests notice nothing. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { fromTop, top } from "../../sim/host/paths.ts";

export interface Room {
  /** "upload", "tls". */
  name: string;
  /** From the project's folder. */
  files: string[];
}

/** What no test of a desktop reaches. */
const elsewhere = [
  // Only the chip has it.
  "native/arducam/port-esp32.c",
  "native/system/end-link.c",
  // Only hosts on the Moddable SDK load them: tests/e2e/sdk.test.ts, where the SDK is.
  "native/system/free-memory.c",
  "modules/network/sdk/",
];

/** Test files that run the room's code from outside: `--whole` asks them about what survived. */
export const endToEnd: Record<string, readonly string[]> = {
  storage: ["tests/e2e/identity.test.ts"],
  network: ["tests/e2e/tls.test.ts", "tests/e2e/tls-faults.test.ts"],
  camera: ["tests/e2e/camera.test.ts", "tests/e2e/camera-photos.test.ts"],
  upload: ["tests/e2e/upload.test.ts"],
  cloud: ["tests/e2e/iot.test.ts", "tests/e2e/shadow.test.ts", "tests/e2e/jobs.test.ts"],
  provisioning: ["tests/e2e/radio.test.ts", "tests/e2e/improv.test.ts"],
  app: ["tests/e2e/line-commands.test.ts", "tests/e2e/grants.test.ts"],
  arducam: ["tests/e2e/camera.test.ts"],
  tls: ["tests/e2e/tls.test.ts", "tests/e2e/tls-faults.test.ts", "tests/unit/run.test.ts"],
};

/** Every folder of modules/ and native/ that has code in it. */
export async function readRooms(): Promise<Room[]> {
  const rooms: Room[] = [];
  for (const [parent, extension] of [
    ["modules", ".ts"],
    ["native", ".c"],
  ])
    for (const entry of await readdir(join(top, parent), { withFileTypes: true })) {
      if (!entry.isDirectory()) continue;
      const directory = join(top, parent, entry.name);
      const paths = (await readdir(directory, { recursive: true })).map((path) => fromTop(join(directory, path)));
      const files = paths.filter((path) => isMutated(path, extension)).sort();
      if (files.length) rooms.push({ name: entry.name, files });
    }
  return rooms;
}

function isMutated(path: string, extension: string): boolean {
  return path.endsWith(extension) && !path.endsWith(".d.ts") && !elsewhere.some((prefix) => path.startsWith(prefix));
}
