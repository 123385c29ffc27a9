/**
 * Bundles the processes of the simulator into .build/sim; `npx tsx sim/start/build.ts` does it by hand, in a second or two.
 */
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { build, type Plugin } from "esbuild";
import { bundleDirectory, bundles } from "./bundles.ts";

/** Packages that are CommonJS call `require` for modules of Node's own. */
const banner = `import { createRequire as createBundleRequire } from "node:module";
const require = createBundleRequire(import.meta.url);`;

/** What a module of ours finds beside itself, such as a policy, it still finds there. */
const ownPlaces: Plugin = {
  name: "own-places",
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      if (path.includes(`${sep}node_modules${sep}`)) return undefined;
      const place = relative(bundleDirectory, path).split(sep).join("/");
      const url = `new URL(${JSON.stringify(encodeURI(place))}, import.meta.url).href`;
      return { contents: (await readFile(path, "utf8")).replaceAll("import.meta.url", url), loader: "ts" };
    });
  },
};

async function bundle(name: string, script: string): Promise<void> {
  const { outputFiles } = await build({
    entryPoints: [script],
    outfile: join(bundleDirectory, name),
    bundle: true,
    write: false,
    platform: "node",
    format: "esm",
    target: "node20",
    banner: { js: banner },
    plugins: [ownPlaces],
    logLevel: "error",
  });
  // Beside it first: two processes may build at once, and somebody may be starting what is there.
  for (const { path, contents } of outputFiles) {
    const temporary = join(dirname(path), `${process.pid}.${basename(path)}`);
    await writeFile(temporary, contents);
    await rename(temporary, path);
  }
}

export async function buildBundles(): Promise<void> {
  await mkdir(bundleDirectory, { recursive: true });
  await Promise.all([...bundles].map(([name, script]) => bundle(name, script)));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await buildBundles();
