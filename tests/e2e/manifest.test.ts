/** manifest.json as the Moddable SDK's tools understand it, checked without them; and what the builds say when the SDK is missing. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const top = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

interface Section {
  include?: string[];
  modules?: Record<string, string | string[]>;
  preload?: string[];
}

type Manifest = Section & { platforms: Record<string, Section> };

const manifest: Manifest = JSON.parse(await readFile(join(top, "manifest.json"), "utf8"));
const onSDK = ["lin", "esp32"];

interface Source {
  module: string;
  path: string;
}

/** What a `modules` section takes from this project: scripts, C sources and headers, as mcconfig finds them. */
async function sourcesOf(section: Section): Promise<Source[]> {
  const found: Source[] = [];
  for (const [target, patterns] of Object.entries(section.modules ?? {})) {
    for (const pattern of [patterns].flat().filter((each) => each.startsWith("./"))) {
      const [before, isGlob] = [basename(pattern).split("*")[0], pattern.includes("*")];
      for (const name of await readdir(join(top, dirname(pattern))).catch(() => [] as string[])) {
        const stem = name.endsWith(".d.ts") ? basename(name, ".d.ts") : basename(name, extname(name));
        if (![".ts", ".js", ".c", ".h"].includes(extname(name))) continue;
        if (!(isGlob ? stem.startsWith(before) : stem === before)) continue;
        const module = isGlob ? target.replace("*", stem.slice(before.length)) : target;
        found.push({ module: target === "*" ? stem : module, path: join(dirname(pattern), name) });
      }
    }
  }
  return found;
}

const isScript = ({ path }: Source) => !path.endsWith(".d.ts") && [".ts", ".js"].includes(extname(path));

for (const platform of onSDK) {
  const section = manifest.platforms[platform];
  const sources = [...(await sourcesOf(manifest)), ...(await sourcesOf(section))];

  test(`${platform}: every module is preloaded, by a name that mcconfig knows`, () => {
    // mcconfig applies a pattern in "preload" to JavaScript only; a TypeScript module must be named.
    const preload = [...(manifest.preload ?? []), ...(section.preload ?? [])];
    const patterns = preload.filter((name) => name.endsWith("*")).map((name) => name.slice(0, -1));
    const isPreloaded = ({ module, path }: Source) =>
      preload.includes(module) || (path.endsWith(".js") && patterns.some((start) => module.startsWith(start)));
    const scripts = sources.filter(isScript);
    const missing = scripts.filter((source) => !isPreloaded(source));
    assert.deepEqual(
      missing.map(({ module }) => module),
      [],
      "name these in manifest.json's preload",
    );
    const modules = new Set(scripts.map(({ module }) => module));
    const gone = preload.filter((name) => !name.endsWith("*") && !name.startsWith("embedded:") && !modules.has(name));
    assert.deepEqual(gone, [], "these are preloaded but not there");
  });

  test(`${platform}: no source stands under two names, and no two natives share a file name`, () => {
    // mcconfig silently drops the second of each.
    const seen = new Map<string, string>();
    for (const { path } of sources) {
      const key = path.endsWith(".c") ? basename(path) : path;
      assert.equal(seen.get(key), undefined, `${path} and ${seen.get(key)}`);
      seen.set(key, path);
    }
    // Names that the SDK's own C files have on these platforms (facts: Moddable SDK 8.2).
    const taken =
      "Resource screen modTime timer modTimer modNet modResolve modSocket modsntp serial tcp udp builtinCommon";
    for (const name of taken.split(" ")) assert.equal(seen.get(`${name}.c`), undefined, `${name}.c is the SDK's`);
  });

  test(`${platform}: includes come from the SDK and stay with their platform`, () => {
    assert.equal(manifest.include, undefined);
    for (const include of section.include ?? []) assert.match(include, /^\$\(MODDABLE\)\//);
  });
}

function build(args: string[], environment: Record<string, string>) {
  const { MODDABLE: _sdk, IDF_PATH: _idf, ...rest } = process.env;
  const env = { ...rest, ...environment };
  return spawnSync(process.execPath, ["sim/mcconfig.mjs", ...args], { cwd: top, env, encoding: "utf8" });
}

test("without the SDK a build says so in one line and ends with code 2", () => {
  for (const platform of onSDK) {
    const { status, stderr } = build([platform], {});
    assert.equal(status, 2);
    assert.match(stderr, /^MODDABLE is not set: [^\n]*\n$/);
  }
});

test("with an SDK whose tools are not built, too", () => {
  const { status, stderr } = build(["lin"], { MODDABLE: top });
  assert.equal(status, 2);
  assert.match(stderr, /^no mcconfig below MODDABLE=[^\n]*\n$/);
});

test("an unknown platform or option is refused", () => {
  for (const args of [[], ["windows"], ["lin", "--fast"]]) assert.equal(build(args, {}).status, 2);
});
