import { EventEmitter, once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Server } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { KeyType, LocalCA } from "../../../certs/local-ca.ts";
import { ownMember } from "../../own-member.ts";
import type { AccessKey, KeySource, Principal } from "../credentials.ts";
import type { S3Action, S3ActionRequest } from "./actions.ts";
import { isBucketName, parseAddress } from "./address.ts";
import { getBucketLocation, headBucket, listBuckets, listObjects } from "./buckets.ts";
import { type CorsRule, corsHeaders, preflightHeaders } from "./cors.ts";
import { S3Error } from "./errors.ts";
import { Exchange } from "./exchange.ts";
import { type Fault, Faults } from "./faults.ts";
import { getObject } from "./get-object.ts";
import { ObjectStore } from "./object-store.ts";
import { FaultSignal, putObject, type StoredObject } from "./put-object.ts";
import { ClientGoneError } from "./request-body.ts";
import { verifySignature } from "./signature.ts";
import { createTLSServer } from "./tls-server.ts";

export interface S3ServerOptions {
  /** Issues the certificates, one per host name that clients ask for. */
  ca: LocalCA;
  /** Where the buckets lie; made if missing. */
  directory: string;
  /** Default: any free one. */
  port?: number;
  credentials: KeySource;
  /** @returns the message of AccessDenied, when it is not allowed; default: everything is */
  objection?(request: S3ActionRequest): string | undefined;
  region?: string;
  /** Made if missing. */
  buckets?: string[];
  /** By bucket: which pages may use it. */
  cors?: Record<string, CorsRule[]>;
  /** Take `Transfer-Encoding: chunked` like Tencent COS; S3 answers 501. */
  acceptChunked?: boolean;
  /** ms without a byte of a body until RequestTimeout; default 20 s. */
  idleTimeout?: number;
  /** Largest object in bytes; default 5 GiB as in S3. */
  maximumLength?: number;
  keyType?: KeyType;
  /** The store's clock. */
  now?: () => Date;
}

/** One answered (or broken) request, for timelines and tests. */
export interface RequestRecord {
  method: string;
  bucket: string;
  key: string;
  /** 0 if the connection ended without an answer. */
  status: number;
  /** Error code, if any. */
  code: string;
  /** Body bytes that were read. */
  received: number;
}

export interface ProgressRecord {
  bucket: string;
  key: string;
  received: number;
  total: number | undefined;
}

interface S3ServerEvents {
  object: [StoredObject];
  progress: [ProgressRecord];
  request: [RequestRecord];
  /** A failure of the server itself; the client has got InternalError. */
  failure: [unknown];
}

const actions: Record<string, S3Action> = {
  PUT: "s3:PutObject",
  GET: "s3:GetObject",
  HEAD: "s3:GetObject",
  DELETE: "s3:DeleteObject",
};

/** Parts of S3 that would be misunderstood as plain object requests. */
const subresources = [
  "acl",
  "tagging",
  "uploads",
  "uploadId",
  "partNumber",
  "retention",
  "legal-hold",
  "torrent",
  "restore",
];

/**
 * S3 on the loopback interface, over TLS, with a folder for its state: PutObject, GetObject, HeadObject, DeleteObject, ListObjectsV2,
 * HeadBucket, GetBucketLocation and ListBuckets, presigned or signed by header, and the error answers that a device can meet.
 */
export class S3Server extends EventEmitter<S3ServerEvents> {
  readonly port: number;
  readonly region: string;
  readonly faults = new Faults();
  /** For the gateway: preflights are answered here, by the rules of the bucket. */
  readonly hasOwnCORS = true;
  readonly store: ObjectStore;
  readonly #options: S3ServerOptions;
  readonly #server: Server;
  /** Raw connections by the client's port. */
  readonly #sockets = new Map<number, Socket>();
  readonly #exchanges = new WeakMap<Socket, Exchange>();

  static async listen(options: S3ServerOptions): Promise<S3Server> {
    const store = await ObjectStore.open(options.directory);
    for (const name of options.buckets ?? []) await store.createBucket(name);
    const server = await createTLSServer(options.ca, options.keyType);
    server.listen(options.port ?? 0, "127.0.0.1");
    await once(server, "listening");
    return new S3Server(options, store, server);
  }

  private constructor(options: S3ServerOptions, store: ObjectStore, server: Server) {
    super();
    this.#options = options;
    this.#server = server;
    this.store = store;
    this.region = options.region ?? "us-east-1";
    this.port = (server.address() as AddressInfo).port;
    server.on("request", (request, response) => this.handle(request, response));
    server.on("checkContinue", (request, response) => this.handle(request, response, true));
    server.on("connection", (socket: Socket) => this.#track(socket));
    server.on("clientError", (_, socket) => this.#clientError(socket as Socket));
  }

  /** Path-style endpoint. */
  get url(): string {
    return `https://localhost:${this.port}`;
  }

  createBucket(name: string): Promise<void> {
    return this.store.createBucket(name);
  }

  /** Stops at once: connections are cut in the middle of whatever they do. */
  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#sockets.values()) socket.destroy();
    this.#server.closeAllConnections();
    await closed;
  }

  #track(socket: Socket): void {
    const port = socket.remotePort ?? 0;
    this.#sockets.set(port, socket);
    socket.on("error", () => {});
    socket.once("close", () => this.#sockets.delete(port));
  }

  /** The client has closed its side in the middle of a body, or spoken something else than HTTP. */
  #clientError(socket: Socket): void {
    const watch = this.#exchanges.get(socket)?.bodyWatch;
    if (watch) {
      watch.halfClosed = true;
      watch.onHalfClosed?.();
    } else if (socket.writable) socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
    else socket.destroy();
  }

  /** One request, whoever has listened for it. */
  async handle(request: IncomingMessage, response: ServerResponse, expectsContinue = false): Promise<void> {
    const exchange = new Exchange(request, response, expectsContinue);
    this.#exchanges.set(request.socket, exchange);
    try {
      await this.#handle(exchange);
    } catch (error) {
      await this.#fail(exchange, error);
    }
    if (this.#exchanges.get(request.socket) === exchange) this.#exchanges.delete(request.socket);
    const { method, address, status, code, received } = exchange;
    this.emit("request", { method, bucket: address.bucket, key: address.key, status, code, received });
  }

  async #fail(exchange: Exchange, error: unknown): Promise<void> {
    if (error instanceof FaultSignal) await this.#act(exchange, exchange.fault as Fault);
    else if (error instanceof S3Error) exchange.answerError(error);
    else if (!(error instanceof ClientGoneError)) {
      if (this.listenerCount("failure") > 0) this.emit("failure", error);
      else console.error(error);
      if (exchange.response.headersSent) exchange.request.socket.destroy();
      else exchange.answerError(new S3Error("InternalError"));
    }
  }

  async #handle(exchange: Exchange): Promise<void> {
    const { method, path, request } = exchange;
    exchange.address = parseAddress(request.headers.host, path);
    const { bucket, key } = exchange.address;
    if (method === "OPTIONS") {
      exchange.answer({
        status: 200,
        headers: preflightHeaders(ownMember(this.#options.cors, bucket), request.headers),
      });
      return;
    }
    const cors = corsHeaders(ownMember(this.#options.cors, bucket) ?? [], method, request.headers);
    for (const [name, value] of Object.entries(cors)) exchange.response.setHeader(name, value);
    exchange.fault = this.faults.take(method, key);
    if (await this.#faultBefore(exchange)) return;
    const { principal } = await this.#authenticate(exchange);
    if (bucket === "") {
      if (method !== "GET") throw notAllowed(method, "SERVICE");
      this.#authorize(exchange, principal, "s3:ListAllMyBuckets");
      await listBuckets(exchange, this.store);
      return;
    }
    if (!isBucketName(bucket) || !(await this.store.hasBucket(bucket))) {
      throw new S3Error("NoSuchBucket", { elements: { BucketName: bucket } });
    }
    const ofBucket = exchange.query.has("location") ? "s3:GetBucketLocation" : "s3:ListBucket";
    const action = key === "" ? ofBucket : ownMember(actions, method);
    if (action) this.#authorize(exchange, principal, action);
    if (key === "") await this.#handleBucket(exchange);
    else await this.#handleObject(exchange, principal);
  }

  #authorize({ address, query }: Exchange, principal: Principal, action: S3Action, key = address.key): void {
    const message = this.#options.objection?.({ principal, action, bucket: address.bucket, key, query });
    if (message !== undefined) throw new S3Error("AccessDenied", { message });
  }

  #authenticate(exchange: Exchange): Promise<AccessKey> {
    const { method, path, query } = exchange;
    return verifySignature(
      { method, path, query, headers: exchange.request.headers },
      {
        region: this.region,
        now: this.#options.now ?? (() => new Date()),
        credentials: this.#options.credentials,
      },
    );
  }

  async #handleBucket(exchange: Exchange): Promise<void> {
    if (exchange.method === "HEAD") headBucket(exchange, this.region);
    else if (exchange.method !== "GET") throw notAllowed(exchange.method, "BUCKET");
    else if (exchange.query.has("location")) getBucketLocation(exchange, this.region);
    else await listObjects(exchange, this.store);
  }

  async #handleObject(exchange: Exchange, principal: Principal): Promise<void> {
    const { method, query, address } = exchange;
    if (subresources.some((name) => query.has(name)) || exchange.request.headers["x-amz-copy-source"]) {
      throw new S3Error("NotImplemented", { message: "This part of S3 is not implemented here" });
    }
    if (method === "PUT") await this.#put(exchange);
    else if (method === "GET" || method === "HEAD") await this.#get(exchange, principal);
    else if (method === "DELETE") {
      await this.store.delete(address.bucket, address.key);
      exchange.answer({ status: 204 });
    } else throw notAllowed(method, "OBJECT");
  }

  async #get(exchange: Exchange, principal: Principal): Promise<void> {
    try {
      await getObject(exchange, this.store);
    } catch (error) {
      // Whoever may not list the bucket does not learn what is missing in it (S3 API Reference, GetObject, "Permissions").
      if (error instanceof S3Error && error.code === "NoSuchKey")
        this.#authorize(exchange, principal, "s3:ListBucket", "");
      throw error;
    }
  }

  async #put(exchange: Exchange): Promise<void> {
    const { bucket, key } = exchange.address;
    const { acceptChunked = false, idleTimeout = 20_000, maximumLength = 5 * 2 ** 30 } = this.#options;
    const onProgress = (received: number, total: number | undefined) => {
      this.emit("progress", { bucket, key, received, total });
    };
    const onStored = (object: StoredObject) => void this.emit("object", object);
    await putObject(exchange, this.store, { acceptChunked, idleTimeout, maximumLength, onProgress, onStored });
  }

  /** Faults that act on the head alone. @returns true if the request is over */
  async #faultBefore(exchange: Exchange): Promise<boolean> {
    const { fault } = exchange;
    if (!fault || fault.afterBytes !== undefined) return false;
    if ("cutAnswer" in fault.action || "etag" in fault.action) return false;
    await this.#act(exchange, fault);
    return !("stall" in fault.action);
  }

  async #act(exchange: Exchange, { action }: Fault): Promise<void> {
    if ("stall" in action) await sleep(action.stall, undefined, { ref: false });
    else if ("raw" in action) exchange.answerRaw(action.raw);
    else if ("cut" in action) this.#cut(exchange, action.cut);
    else if ("answer" in action) {
      const { answer, ...details } = action;
      exchange.fault = undefined;
      exchange.answerError(new S3Error(answer, details));
    }
  }

  #cut(exchange: Exchange, how: "reset" | "end"): void {
    const { socket } = exchange.request;
    const raw = this.#sockets.get(socket.remotePort ?? 0);
    if (how === "reset" && raw) raw.resetAndDestroy();
    else socket.end();
    setTimeout(() => socket.destroy(), 1000).unref();
  }
}

function notAllowed(Method: string, ResourceType: string): S3Error {
  return new S3Error("MethodNotAllowed", { elements: { Method, ResourceType } });
}
