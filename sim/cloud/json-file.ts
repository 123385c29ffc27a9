import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { dirname } from "node:path";

/**
 * A value that outlives its process: read once, and written as a whole whenever it changes, to a second file that then takes
 * the place of the first, so that a cut at any moment leaves a whole file.
 */
export class JsonFile<T> {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
    mkdirSync(dirname(path), { recursive: true });
  }

  read(): T | undefined {
    try {
      return JSON.parse(readFileSync(this.path, "utf8")) as T;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw new Error(`${this.path} is not what was written there`, { cause: error });
    }
  }

  write(value: T): void {
    // An administrator's process may write the same file: whole files, whoever is last.
    const next = `${this.path}.${process.pid}.next`;
    const file = openSync(next, "w", 0o600);
    try {
      writeSync(file, `${JSON.stringify(value, null, 1)}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(next, this.path);
  }
}
