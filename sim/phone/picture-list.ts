import { ListObjectsV2Command, type S3Client } from "@aws-sdk/client-s3";
import { cameraPrefix, type Picture, pictureFrom, serialOf } from "./picture-keys.ts";

/** The first stretch of time that is looked at; each further one is twice as long. Milliseconds. */
const firstStretch = 2 * 24 * 60 * 60_000;
export interface ListContext {
  s3: S3Client;
  bucket: string;
  identityId: string;
  signal?: AbortSignal;
}

/** The names of the cameras that have pictures. */
export async function camerasWithPictures({ s3, bucket, identityId, signal }: ListContext): Promise<string[]> {
  const prefix = `users/${identityId}/`;
  const names: string[] = [];
  let token: string | undefined;
  do {
    const page = await s3.send(
      new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, Delimiter: "/", ContinuationToken: token }),
      { abortSignal: signal },
    );
    for (const { Prefix = "" } of page.CommonPrefixes ?? []) names.push(Prefix.slice(prefix.length, -1));
    token = page.NextContinuationToken;
  } while (token);
  return names;
}

/**
 * One camera's pictures, newest first. S3 lists by name only, oldest first; but names have the time in them, so stretches of
 * time are listed, from now back, each twice as long as the one before: what is old is not listed before somebody asks for it. Names without a time
 * mean that everything is listed.
 */
export class CameraPictures {
  #context: ListContext;
  #prefix: string;
  /** Newest last. */
  #ready: Picture[] = [];
  #serial?: string;
  /** Pictures from here on have been listed; milliseconds since 1970. */
  #listedFrom: number;
  #stretch = firstStretch;
  #oldest = 0;
  #started = false;

  /** @param before only pictures that are older are wanted, milliseconds since 1970 */
  constructor(context: ListContext, thingName: string, before: number) {
    this.#context = context;
    this.#prefix = cameraPrefix(context.identityId, thingName);
    this.#listedFrom = before;
  }

  /** The newest one that was not taken yet, which stays; undefined at the end. */
  async peek(): Promise<Picture | undefined> {
    if (!this.#started) await this.#start();
    while (!this.#ready.length && this.#listedFrom > this.#oldest) await this.#listStretch();
    return this.#ready.at(-1);
  }

  take(): void {
    this.#ready.pop();
  }

  /** A camera whose pictures fit a page is done with it; otherwise the first name tells how names look, and when the history begins. */
  async #start(): Promise<void> {
    this.#started = true;
    const first = await this.#page({});
    const [oldest] = first.pictures;
    this.#serial = oldest && serialOf(oldest.imageId);
    this.#oldest = oldest?.time ?? 0;
    if (first.next && this.#serial) return;
    const rest = first.next ? await this.#list({ token: first.next }) : [];
    this.#keep([...first.pictures, ...rest], 0);
    this.#listedFrom = this.#oldest = 0;
  }

  async #listStretch(): Promise<void> {
    const from = Math.max(this.#oldest, this.#listedFrom - this.#stretch);
    this.#stretch *= 2;
    // The last possible name of the millisecond before: S3 begins after the name that it is given.
    const after = `${this.#prefix}${this.#serial}-${String(from - 1).padStart(13, "0")}-~`;
    this.#keep(await this.#list({ after }), from);
    this.#listedFrom = from;
  }

  #keep(pictures: Picture[], from: number): void {
    const until = this.#listedFrom;
    this.#ready = pictures.filter(({ time }) => time >= from && time < until).sort(byTime);
  }

  /** All names, as far as they may be older than what has been listed. */
  async #list(start: { after?: string; token?: string }): Promise<Picture[]> {
    const pictures: Picture[] = [];
    let next: string | undefined = start.token;
    do {
      const page = await this.#page({ after: start.after, token: next });
      pictures.push(...page.pictures);
      const isEnough = this.#serial && (pictures.at(-1)?.time ?? 0) >= this.#listedFrom;
      next = isEnough ? undefined : page.next;
    } while (next);
    return pictures;
  }

  async #page({ after, token }: { after?: string; token?: string }): Promise<{ pictures: Picture[]; next?: string }> {
    const { s3, bucket: Bucket, signal: abortSignal } = this.#context;
    const command = new ListObjectsV2Command({
      Bucket,
      Prefix: this.#prefix,
      StartAfter: after,
      ContinuationToken: token,
    });
    const { Contents = [], NextContinuationToken: next } = await s3.send(command, { abortSignal });
    return { pictures: Contents.map(pictureFrom).filter((picture) => picture !== undefined), next };
  }
}

const byTime = (a: Picture, b: Picture) => a.time - b.time || (a.key < b.key ? -1 : 1);
