import { watch } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const top = join(dirname(fileURLToPath(import.meta.url)), "../..");

/** What the camera is made of. Build output lies elsewhere. */
const sources = ["main.ts", "manifest.json", "modules", "native", "sim"];
const isPartOfTheCamera = (file: string) =>
  /\.(ts|js|c|h|json)$/.test(file) && (!file.startsWith("sim/") || /^sim\/(camera|[^/]+\/device)\//.test(file));

/** Editors write a file in several steps, and a branch is changed in many. */
const quietTime = 300;

/** Calls `onChange` with the names of the changed sources, once for changes that come together. Returns what ends it. */
export function watchSources(onChange: (files: string[]) => void): () => void {
  const changed = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  const note = (file: string) => {
    if (!isPartOfTheCamera(file)) return;
    changed.add(file);
    clearTimeout(timer);
    timer = setTimeout(() => {
      const files = [...changed].sort();
      changed.clear();
      onChange(files);
    }, quietTime);
  };
  const watchers = sources.map((source) =>
    watch(join(top, source), { recursive: true }, (_, name) => {
      note(name && name !== source ? `${source}/${name}` : source);
    }),
  );
  return () => {
    clearTimeout(timer);
    for (const watcher of watchers) watcher.close();
  };
}
