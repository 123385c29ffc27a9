import type * as crypto from "../../native/tls/crypto";
import { packPairs, unpackPairs } from "../json/text-pairs";
import type { Clock } from "../network/clock";
import { parseHTTPDate } from "../network/http-date";
import { TLSSocket } from "../network/tls-socket";
import type { Connection, ConnectionHandlers } from "../upload/connection";
import { LookedUpConnection, type Opener, type SocketOptions } from "../upload/connector";
import type { HeaderList } from "../upload/header-list";
import type { UploadOptions, UploadResult } from "../upload/uploader";
import { type BoardHost, rootsFor } from "./board";
import type { PhotoUploads, UploadRequest } from "./photo-uploads";
import type { Photo } from "./photographer";

export interface PictureConnectionHost extends BoardHost {
  readonly device: { readonly uploads: PhotoUploads };
  /** The URL without its query. */
  redact(url: string): string;
  readonly clockKeeper: { heard(time: number): void; failed(code: unknown): void };
}

/** Bytes of the picture in RAM at a time: one TLS record. */
const bufferLength = 2048;

/** One picture on its way to its URL, by name look-up, TCP and TLS: what the uploader (modules/upload) is given. */
export class PictureConnection implements UploadOptions, Opener {
  readonly url: string;
  readonly framing: UploadOptions["framing"];
  #headers?: string;
  #photo: Photo;
  #host: PictureConnectionHost;

  constructor(host: PictureConnectionHost, { url, headers, framing }: UploadRequest, photo: Photo) {
    this.url = url;
    this.#headers = headers && packPairs(headers);
    this.framing = framing;
    this.#photo = photo;
    this.#host = host;
  }

  /** They are made when they are asked for: an upload is when the machine is fullest. */
  get headers(): HeaderList | undefined {
    return this.#headers === undefined ? undefined : unpackPairs(this.#headers);
  }

  get frame(): Photo["frame"] {
    return this.#photo.frame;
  }

  /** An upload before this one has brought the whole picture there: the store may have it. */
  get mayBeThere(): boolean {
    const { sentTo } = this.#photo;
    return sentTo !== undefined && sentTo === this.#host.redact(this.url);
  }

  /** A clock that is in doubt does not say that a URL has expired: the store does, and what time it is. */
  get clock(): Clock | undefined {
    const { clock } = this.#host;
    return clock.isConfirmed ? clock : undefined;
  }

  get Digest(): typeof crypto.Digest {
    return this.#host.board.crypto.Digest;
  }

  get bufferLength(): number {
    return bufferLength;
  }

  connect(host: string, port: number, handlers: ConnectionHandlers): Connection {
    return new LookedUpConnection(new this.#host.board.Resolver({}), this, host, port, handlers);
  }

  open(options: SocketOptions): Connection {
    const { board, identities, clock } = this.#host;
    const secure = { roots: rootsFor(identities.inUse), clock };
    return new TLSSocket({ ...options, TCP: { io: board.TCP }, secure } as never) as Connection;
  }

  onProgress(sent: number): void {
    this.#host.device.uploads.sent(sent);
  }

  onDate(date: string): void {
    const time = parseHTTPDate(date);
    if (time !== undefined) this.#host.clockKeeper.heard(time);
  }

  onResult(result: UploadResult): void {
    this.#host.clockKeeper.failed(result.code);
    this.#host.device.uploads.ended(result, this);
  }
}
