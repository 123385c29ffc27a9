import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, link, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { S3Error } from "./errors.ts";
import { filePath, keyOfPath } from "./object-path.ts";

/** What is kept of an object besides its bytes. */
export interface ObjectRecord {
  key: string;
  size: number;
  /** MD5, hex. */
  etag: string;
  lastModified: Date;
  contentType?: string;
  /** `x-amz-meta-*` by full header name. */
  metadata: Record<string, string>;
  /** `x-amz-checksum-*` by full header name. */
  checksums: Record<string, string>;
}

/** The file that a record belongs to: a record whose file was replaced is worth nothing. */
interface StoredRecord extends Omit<ObjectRecord, "lastModified"> {
  inode: number;
  modified: number;
}

/** Folder for temporary files and records; no bucket can have this name. */
const PRIVATE = ".s3";

/** One body on its way into the store. Nothing of it can be seen before `commit`. */
export interface PendingObject {
  write(bytes: Uint8Array): Promise<void>;
  /** @throws S3Error PreconditionFailed with `createOnly`, if the key exists by now */
  commit(record: Omit<ObjectRecord, "lastModified">, createOnly: boolean): Promise<string>;
  abort(): Promise<void>;
}

/**
 * Buckets as folders, objects as files. An object appears whole or not at all: it is written beside the buckets, flushed, and
 * then renamed. All state is in the folder.
 */
export class ObjectStore {
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
  }

  /** Opens or creates; what a crash has left half-written is removed. */
  static async open(directory: string): Promise<ObjectStore> {
    await rm(join(directory, PRIVATE, "pending"), { recursive: true, force: true });
    await mkdir(join(directory, PRIVATE, "pending"), { recursive: true });
    return new ObjectStore(directory);
  }

  async createBucket(name: string): Promise<void> {
    await mkdir(join(this.directory, name), { recursive: true });
  }

  async hasBucket(name: string): Promise<boolean> {
    const status = await stat(join(this.directory, name)).catch(() => undefined);
    return status?.isDirectory() === true;
  }

  async has(bucket: string, key: string): Promise<boolean> {
    const status = await stat(filePath(this.directory, bucket, key)).catch(() => undefined);
    return status?.isFile() === true;
  }

  async begin(bucket: string): Promise<PendingObject> {
    const path = join(this.directory, PRIVATE, "pending", randomBytes(12).toString("hex"));
    const file = await open(path, "wx");
    return {
      write: async (bytes) => {
        await file.write(bytes);
      },
      commit: (record, createOnly) => this.#commit(file, path, bucket, record, createOnly),
      abort: async () => {
        await file.close().catch(() => {});
        await rm(path, { force: true });
      },
    };
  }

  async #commit(
    file: FileHandle,
    path: string,
    bucket: string,
    record: Omit<ObjectRecord, "lastModified">,
    createOnly: boolean,
  ): Promise<string> {
    await file.sync();
    const { ino: inode, mtimeMs: modified } = await file.stat();
    await file.close();
    const target = filePath(this.directory, bucket, record.key);
    try {
      await mkdir(dirname(target), { recursive: true });
      await this.#writeRecord(bucket, { ...record, inode, modified });
      // link() is the one call that refuses to replace.
      if (createOnly) await link(path, target);
      else await rename(path, target);
    } catch (error) {
      throw translate(error, createOnly && (await this.has(bucket, record.key)));
    } finally {
      await rm(path, { force: true });
    }
    return target;
  }

  /** @returns undefined if there is no such object */
  async find(bucket: string, key: string): Promise<(ObjectRecord & { path: string }) | undefined> {
    const path = filePath(this.directory, bucket, key);
    const status = await stat(path).catch(() => undefined);
    if (!status?.isFile()) return undefined;
    const record = await this.#readRecord(bucket, key);
    const lastModified = status.mtime;
    if (record && record.inode === status.ino && record.modified === status.mtimeMs) {
      const { inode: _, modified: __, ...rest } = record;
      return { ...rest, lastModified, path };
    }
    // A file that somebody put there, or whose record is of its successor after a crash.
    const etag = await md5OfFile(path);
    return { key, size: status.size, etag, lastModified, metadata: {}, checksums: {}, path };
  }

  async delete(bucket: string, key: string): Promise<void> {
    await rm(filePath(this.directory, bucket, key), { force: true });
    await rm(this.#recordPath(bucket, key), { force: true });
  }

  /** All keys of a bucket in the order of their bytes. */
  async keys(bucket: string): Promise<string[]> {
    const root = join(this.directory, bucket);
    const entries = await readdir(root, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) =>
        keyOfPath(
          relative(root, join(entry.parentPath ?? entry.path, entry.name))
            .split(sep)
            .join("/"),
        ),
      )
      .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  }

  async buckets(): Promise<string[]> {
    const entries = await readdir(this.directory, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith(".")).map((entry) => entry.name);
  }

  #recordPath(bucket: string, key: string): string {
    const name = createHash("sha256").update(key).digest("hex");
    return join(this.directory, PRIVATE, "records", bucket, `${name}.json`);
  }

  async #readRecord(bucket: string, key: string): Promise<StoredRecord | undefined> {
    try {
      return JSON.parse(await readFile(this.#recordPath(bucket, key), "utf8"));
    } catch {
      return undefined;
    }
  }

  async #writeRecord(bucket: string, record: StoredRecord): Promise<void> {
    const path = this.#recordPath(bucket, record.key);
    const temporary = `${path}.${randomBytes(6).toString("hex")}`;
    await mkdir(dirname(path), { recursive: true });
    await writeFile(temporary, JSON.stringify(record));
    await rename(temporary, path);
  }
}

function translate(error: unknown, exists: boolean): unknown {
  const code = (error as NodeJS.ErrnoException).code ?? "";
  if (exists && code === "EEXIST") {
    return new S3Error("PreconditionFailed", { elements: { Condition: "If-None-Match" } });
  }
  if (["EEXIST", "EISDIR", "ENOTDIR", "ENOTEMPTY"].includes(code)) {
    return new S3Error("InvalidArgument", {
      message: "This store cannot hold a key that is the folder of another key.",
    });
  }
  return error;
}

async function md5OfFile(path: string): Promise<string> {
  const hash = createHash("md5");
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest("hex");
}
