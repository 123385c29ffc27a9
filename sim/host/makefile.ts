/** The makefile of the host: the engine, the host and all natives, in one executable. */
import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import { dirname, isAbsolute, join } from "node:path";
import { promisify } from "node:util";
import { writeIfChanged } from "./files.ts";
import { asBuildPath, engineDirectory, fromTop, top } from "./paths.ts";

export interface MakefileOptions {
  /** Where objects and generated files go. */
  directory: string;
  executable: string;
  natives: string[];
  libraries: string[];
  /** More compiler and linker flags, as -fsanitize=address. */
  flags?: string[];
  /** Leaves out natives that do not compile; a module that wants them cannot be loaded then. */
  keepGoing?: boolean;
}

const ENGINE_FLAGS = [
  "-DINCLUDE_XSPLATFORM",
  '-DXSPLATFORM=\\"xs-platform.h\\"',
  "-DmxDebug=1", // lines in stacks, breakpoints
  "-DmxInstrument=1", // number of collections, peak of the stack
  "-DmxMetering=1", // compute count
  "-DmxNoConsole=1", // this host prints by itself
  "-DmxBoundsCheck=1",
  "-DmxParse=1",
  "-DmxRun=1",
  "-DmxSloppy=1",
  "-DmxRegExpUnicodePropertyEscapes=1",
  "-DmxStringNormalize=1",
  "-DmxMinusZero=1",
];
/** Not ours to warn about. */
const QUIET = "-w";
const WARNINGS = "-Wall -Wextra -Wno-clobbered";

/** The engine's files that a host without snapshots needs. */
async function engineSources(): Promise<string[]> {
  const directory = join(engineDirectory, "sources");
  const names = await readdir(directory);
  return names.filter((name) => name.endsWith(".c") && name !== "xsSnapshot.c").map((name) => join(directory, name));
}

async function hostSources(): Promise<string[]> {
  const directory = join(top, "sim/host");
  return (await readdir(directory)).filter((name) => name.endsWith(".c")).map((name) => join(directory, name));
}

/** Every C file of the host itself. */
export async function ownSources(): Promise<string[]> {
  return hostSources();
}

const runFile = promisify(execFile);

async function hasStatic(library: string): Promise<boolean> {
  const { stdout } = await runFile(process.env.CC ?? "cc", [`-print-file-name=lib${library}.a`]);
  return isAbsolute(stdout.trim());
}

/**
 * The flags that let native/tls count what a session allocates (native/tls/tls-memory.h): the libraries' own calls must be linked
 * with the program to be caught, so it takes their static form. A sanitizer wants the allocator for itself.
 */
async function countingFlags(libraries: string[], flags: string[]): Promise<{ compile: string[]; link: string }> {
  const dynamic = libraries.map((name) => `-l${name}`).join(" ");
  const areStatic = await Promise.all(libraries.map(hasStatic));
  if (flags.length || !areStatic.every(Boolean)) return { compile: [], link: dynamic };
  const wrapped = `-Wl,--wrap=calloc -Wl,--wrap=free -Wl,-Bstatic ${dynamic} -Wl,-Bdynamic`;
  return { compile: ["-DTLS_COUNT_ALLOCATIONS"], link: wrapped };
}

/** Returns the makefile's path. */
export async function writeMakefile(options: MakefileOptions): Promise<string> {
  const { directory, executable, natives, libraries, flags = [] } = options;
  const counting = await countingFlags(libraries, flags);
  // The engine reads its bytecode unaligned, knowingly.
  const engineFlags = flags.length ? ["-fno-sanitize=undefined"] : [];
  const common = ["-O2 -g -fno-common -fno-strict-aliasing", ...ENGINE_FLAGS, ...flags];
  const includes = ["includes", "platforms", "sources"].map((name) => `-I${join(engineDirectory, name)}`);
  const ownIncludes = [...new Set([directory, join(top, "sim/host"), top, ...natives.map(dirname)])].map(
    (path) => `-I${path}`,
  );
  const groups = [
    {
      name: "engine",
      sources: await engineSources(),
      flags: [...common, ...includes, ...ownIncludes.slice(1, 2), QUIET, ...engineFlags],
    },
    {
      name: "host",
      sources: [...(await hostSources()), join(directory, "mc.xs.c")],
      flags: [...common, WARNINGS, ...includes, ...ownIncludes],
    },
    {
      name: "native",
      sources: natives,
      flags: [...common, ...counting.compile, WARNINGS, ...includes.slice(0, 2), ...ownIncludes],
    },
  ];
  const lines = ["MAKEFLAGS += --no-builtin-rules", `all: ${executable}`, ""];
  const objects: string[] = [];
  for (const group of groups) {
    // An object depends on the flags that made it.
    const flagsFile = join(directory, `${group.name}.flags`);
    await writeIfChanged(flagsFile, group.flags.join("\n"));
    lines.push(`${group.name}_FLAGS = ${group.flags.join(" ")}`);
    for (const source of group.sources) {
      const object = join(directory, "objects", `${asBuildPath(source)}.o`);
      objects.push(object);
      lines.push(`${object}: ${source} ${flagsFile}`, "\t@mkdir -p $(@D)", `\t@echo "cc ${fromTop(source)}"`);
      const failed = options.keepGoing && group.name === "native" ? " || echo 'left out: $<'" : "";
      lines.push(`\t@$(CC) $(${group.name}_FLAGS) -MMD -MP -c $< -o $@${failed}`);
    }
  }
  const libraryFlags = [counting.link, "-lm", "-lpthread", "-ldl"].join(" ");
  await writeIfChanged(join(directory, "link.flags"), `${libraryFlags} ${flags.join(" ")}\n${objects.join("\n")}`);
  lines.push(`OBJECTS = ${objects.join(" ")}`);
  lines.push(`${executable}: $(OBJECTS) ${join(directory, "link.flags")}`, `\t@echo "ld ${fromTop(executable)}"`);
  const present = options.keepGoing ? "-Wl,--unresolved-symbols=ignore-all $(wildcard $(OBJECTS))" : "$(OBJECTS)";
  lines.push(`\t@$(CC) ${flags.join(" ")} -rdynamic -o $@.new ${present} ${libraryFlags} && mv $@.new $@`);
  lines.push("-include $(OBJECTS:.o=.d)", "");
  const makefile = join(directory, "Makefile");
  await writeIfChanged(makefile, lines.join("\n"));
  return makefile;
}
