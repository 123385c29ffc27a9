/**
 * Builds the XS host and the firmware for it. `node --import tsx sim/host/build.ts [manifest.json...]` does both.
 */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { buildHost } from "./executable.ts";
import { buildFirmware } from "./firmware.ts";
import { fromTop } from "./paths.ts";
import { Progress } from "./progress.ts";

export { buildHost, type HostOptions } from "./executable.ts";
export { buildFirmware, type CompiledFirmware } from "./firmware.ts";

async function main(manifests: string[]): Promise<void> {
  const progress = new Progress("Compiling the engine and its natives");
  await buildHost({ onProgress: (file, index, total) => progress.step(index, total, file) }).finally(() =>
    progress.end(),
  );
  for (const manifest of manifests.length ? manifests.map((path) => resolve(path)) : [undefined]) {
    const firmware = await buildFirmware(manifest);
    for (const warning of firmware.warnings) console.error(`warning: ${warning}`);
    console.error(`Firmware: ${firmware.modules.length} modules in ${fromTop(firmware.path)}`);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  try {
    await main(process.argv.slice(2));
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}
