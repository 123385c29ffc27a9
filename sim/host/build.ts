/**
 * Builds the XS host and the firmware for it. `node --import tsx sim/host/build.ts [manifest.json...]` does both and prints what it compiles.
 */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { buildHost } from "./executable.ts";
import { buildFirmware } from "./firmware.ts";
import { fromTop } from "./paths.ts";

export { buildHost, type HostOptions } from "./executable.ts";
export { buildFirmware, type CompiledFirmware } from "./firmware.ts";

async function main(manifests: string[]): Promise<void> {
  await buildHost({ onProgress: (step) => console.error(step) });
  for (const manifest of manifests.length ? manifests.map((path) => resolve(path)) : [undefined]) {
    const firmware = await buildFirmware(manifest);
    for (const warning of firmware.warnings) console.error(`warning: ${warning}`);
    console.error(
      `${fromTop(firmware.path)}: ${firmware.modules.length} modules, ${firmware.preload.length} preloaded`,
    );
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
