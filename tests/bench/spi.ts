import { execFile } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { compileTest, findTests } from "../native/compile.ts";
import type { Section } from "./figures.ts";

const folder = dirname(fileURLToPath(import.meta.url));

/** Of one picture: its length in bytes, and the bytes on the bus to read it by this driver and byte by byte. */
export interface SPICost {
  length: number;
  driver: number;
  single: number;
}

export async function measureSPI(): Promise<SPICost[]> {
  const root = join(folder, "../..");
  const [program] = await findTests(root, folder);
  const { stdout } = await promisify(execFile)(await compileTest(root, program));
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

export function spiSection(costs: SPICost[]): Section {
  const figures = costs.flatMap(({ length, driver, single }) => {
    const size = `${length.toLocaleString("en-US")}-byte picture`;
    return [
      { name: `this driver, ${size}`, value: driver / length, unit: "bytes/byte", budget: 1.001 },
      { name: `single-byte reads, ${size}`, value: single / length, unit: "bytes/byte" },
    ];
  });
  return { title: "SPI bytes for each image byte (counted by the virtual sensor)", figures };
}
