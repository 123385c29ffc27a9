/** The two headers that mcconfig would generate for natives: mc.xs.h (xsID_name) and mc.defines.h (MODDEF_...). */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeIfChanged } from "./files.ts";

/** Writes mc.xs.h, mc.xs.c and mc.defines.h into `directory`. */
export async function writeHeaders(
  directory: string,
  sources: string[],
  defines: Record<string, unknown>,
): Promise<void> {
  const ids = await findIdentifiers(sources);
  const macros = ids.map((id, index) => `#define xsID_${id} (mc_xs_ids[${index}])`);
  const header = [
    "// Generated. Names that natives use, numbered by the machine at start.",
    "#ifndef MC_XS_H",
    "#define MC_XS_H",
    '#include "xs.h"',
    "extern xsIdentifier mc_xs_ids[];",
    "extern const char *const mc_xs_names[];",
    "extern const int mc_xs_id_count;",
    ...macros,
    "#endif",
  ];
  const names = [
    '#include "mc.xs.h"',
    `xsIdentifier mc_xs_ids[${ids.length + 1}];`,
    `const char *const mc_xs_names[] = {${[...ids.map((id) => `"${id}"`), "0"].join(", ")}};`,
    `const int mc_xs_id_count = ${ids.length};`,
  ];
  await writeIfChanged(join(directory, "mc.xs.h"), `${header.join("\n")}\n`);
  await writeIfChanged(join(directory, "mc.xs.c"), `${names.join("\n")}\n`);
  await writeIfChanged(join(directory, "mc.defines.h"), definesHeader(defines));
}

async function findIdentifiers(sources: string[]): Promise<string[]> {
  const ids = new Set<string>();
  for (const source of sources)
    for (const [, id] of (await readFile(source, "utf8")).matchAll(/\bxsID_(\w+)/g)) ids.add(id);
  return [...ids].sort();
}

function definesHeader(defines: Record<string, unknown>): string {
  const lines: string[] = ["#ifndef MC_DEFINES_H", "#define MC_DEFINES_H"];
  const add = (prefix: string, value: unknown) => {
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      for (const [name, inner] of Object.entries(value)) add(`${prefix}_${name.toUpperCase()}`, inner);
    else if (typeof value === "number" || typeof value === "boolean")
      lines.push(`#define ${prefix} (${Number(value)})`);
    else if (Array.isArray(value)) lines.push(`#define ${prefix} {${value.join(", ")}}`);
    else lines.push(`#define ${prefix} ${JSON.stringify(value)}`);
  };
  add("MODDEF", defines);
  return `${[...lines, "#endif"].join("\n")}\n`;
}
