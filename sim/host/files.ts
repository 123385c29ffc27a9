import { mkdir, open, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Writes a file only where its text differs, so that its time tells when it changed. Returns whether it was written. */
export async function writeIfChanged(path: string, text: string): Promise<boolean> {
  const old = await readFile(path, "utf8").catch(() => undefined);
  if (old === text) return false;
  await replace(path, text);
  return true;
}

let replacements = 0;

/** Writes a file anew; whoever reads it meanwhile, such as a device that starts, finds the old one or the new one whole. */
export async function replace(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  replacements += 1;
  const temporary = `${path}.${process.pid}.${replacements}`;
  await writeFile(temporary, text);
  await rename(temporary, path);
}

/** Modification time in ms, 0 where there is no such file. */
export async function modified(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.mtimeMs ?? 0;
}

const LOCK_POLL = 50;
const LOCK_TIMEOUT = 600_000;

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Several processes may want to build at once (test files, `npm start`): one does, the others wait and then find it done. */
export async function withLock<T>(path: string, action: () => Promise<T>): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  for (const start = Date.now(); ; await sleep(LOCK_POLL)) {
    const file = await open(path, "wx").catch(() => undefined);
    if (file) {
      await file.writeFile(String(process.pid));
      await file.close();
      break;
    }
    const owner = Number(await readFile(path, "utf8").catch(() => "0"));
    if (owner && !isAlive(owner)) await rm(path, { force: true });
    else if (Date.now() - start > LOCK_TIMEOUT) throw new Error(`another build (process ${owner}) holds ${path}`);
  }
  try {
    return await action();
  } finally {
    await rm(path, { force: true });
  }
}
