import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildFirmware, buildHost } from "../../sim/host/build.ts";
import { startDevice } from "../../sim/host/device-process.ts";
import { top } from "./compile.ts";

/** What is fuzzed in TypeScript, on the engine and in the memory that the chip has (firmware/). */
export const kinds = ["json", "records"] as const;
export type Kind = (typeof kinds)[number];

export interface XSResult {
  runs: number;
  accepted: number;
  refused: number;
  /** Why it ended early, and the input; empty when nothing was found. */
  finding: string;
}

/** Minutes that a machine may be silent. */
const silence = 10;

/** Ends with the first input that is not taken as it should be, or that ends the machine. */
export async function fuzzInXS(options: { kind: Kind; seed: number; runs: number }): Promise<XSResult> {
  await buildHost();
  const manifest = await buildFirmware(join(top, "tests/fuzz/firmware/manifest.json"));
  const storage = await mkdtemp(join(tmpdir(), "devicelink-fuzz-"));
  const environment = { STORAGE_DIRECTORY: storage, FUZZ: JSON.stringify(options) };
  const device = await startDevice({ manifest, module: "tests/fuzz/firmware/main", environment });
  const timer = setTimeout(() => device.kill("SIGKILL"), silence * 60_000);
  const exit = await device.exited;
  clearTimeout(timer);
  await rm(storage, { recursive: true, force: true });
  const said = JSON.parse(device.lines.at(-1) ?? "{}");
  const { runs = 0, accepted = 0, refused = 0, failed = "" } = said;
  const death =
    exit.code === 0 ? "" : `the machine ended with ${exit.code ?? exit.signal}: ${exit.stderr.slice(-2000)}`;
  return { runs, accepted, refused, finding: [failed, death].filter(Boolean).join("\n") };
}
