import { EventEmitter } from "node:events";
import type { IotCore } from "./iot-core.ts";
import { Rate } from "./iot-limits.ts";
import { JsonFile } from "./json-file.ts";
import {
  checkUpdate,
  difference,
  documentLimit,
  type JsonObject,
  merge,
  metadataOf,
  parseRequest,
  type Section,
  ShadowError,
  type State,
  sections,
  stamp,
} from "./shadow-document.ts";

interface Shadow {
  /** Counts on when the shadow is deleted and made anew. */
  version: number;
  /** Seconds since 1970. */
  timestamp: number;
  state?: State;
  metadata?: State;
}

/** The name of a shadow: `thing`, or `thing/name/shadow` for a named one. */
export type ShadowName = string;

export interface ShadowEvents {
  /** After each request. `code` is there when it was rejected. */
  request: [event: { shadow: ShadowName; operation: string; version?: number; code?: number }];
}

/** Per thing (General Reference). */
const requestsPerSecond = 20;
const topicPattern = /^\$aws\/things\/([^/]+)\/shadow(\/name\/[^/]+)?\/(get|update|delete)$/;

/**
 * AWS IoT's Device Shadow service: classic and named shadows of one account, over MQTT (`$aws/things/<thing>/shadow/...`) and for the data
 * plane. Kept in one file. A thing need not be registered.
 */
export class ShadowService extends EventEmitter<ShadowEvents> {
  #file: JsonFile<Record<ShadowName, Shadow>>;
  #shadows: Record<ShadowName, Shadow>;
  #rates = new Map<string, Rate>();
  #publish: (topic: string, payload: string) => void;

  /** @param path file that keeps them */
  constructor(path: string, iot: IotCore) {
    super();
    this.#file = new JsonFile(path);
    this.#shadows = Object.assign(Object.create(null), this.#file.read());
    this.#publish = (topic, payload) => {
      iot.publish(topic, payload).catch(() => {}); // the broker is closing: nobody is there to hear it
    };
    iot.on("publish", ({ clientId, topic, payload }) => {
      if (clientId !== undefined) this.#receive(topic, payload);
    });
  }

  /** @throws ShadowError 404, 429 */
  get(name: ShadowName): JsonObject {
    return this.#note(name, "get", () => {
      this.#take(name);
      const { version, timestamp, state, metadata } = this.#existing(name);
      const delta = deltaOf(state);
      return { state: { ...state, ...(delta ? { delta } : {}) }, metadata, timestamp, version } as JsonObject;
    });
  }

  /** @returns the accepted document @throws ShadowError */
  update(name: ShadowName, payload: Buffer): JsonObject {
    return this.#note(name, "update", () => {
      this.#take(name);
      const { state: change, version, clientToken } = checkUpdate(parseRequest(payload));
      const old = this.#shadows[name] ?? { version: 0, timestamp: 0 };
      if (version !== undefined && version !== old.version) throw new ShadowError(409, "Version conflict");
      const timestamp = Math.floor(Date.now() / 1000);
      const next: Shadow = { version: old.version + 1, timestamp, state: {}, metadata: {} };
      const accepted = { state: change, metadata: {} as State };
      for (const section of sections) this.#change(section, change[section], old, next, accepted.metadata);
      if (Buffer.byteLength(JSON.stringify(next.state)) > documentLimit)
        throw new ShadowError(413, "The payload exceeds the maximum size allowed");
      this.#shadows[name] = next;
      this.#save();
      const common = { timestamp, ...(clientToken === undefined ? {} : { clientToken }) };
      const answer = { ...accepted, version: next.version, ...common } as JsonObject;
      this.#say(name, "update/accepted", answer);
      this.#sayDelta(name, next, common);
      const [previous, current] = [old, next].map(({ version, state, metadata }) => ({ state, metadata, version }));
      this.#say(name, "update/documents", { previous, current, ...common } as JsonObject);
      return answer;
    });
  }

  /** The version goes on from there when the shadow is made anew. @throws ShadowError 404, 429 */
  delete(name: ShadowName): JsonObject {
    return this.#note(name, "delete", () => {
      this.#take(name);
      const { version } = this.#existing(name);
      const timestamp = Math.floor(Date.now() / 1000);
      this.#shadows[name] = { version, timestamp };
      this.#save();
      return { version, timestamp };
    });
  }

  /** Names of the thing's named shadows. */
  namedOf(thing: string): string[] {
    const prefix = `${thing}/name/`;
    const there = Object.keys(this.#shadows).filter((name) => name.startsWith(prefix) && this.#shadows[name].state);
    return there.map((name) => name.slice(prefix.length));
  }

  #change(section: Section, change: JsonObject | null | undefined, old: Shadow, next: Shadow, said: State): void {
    const before = old.state?.[section];
    if (change === null) return;
    const state = change ? merge(before, change) : before;
    if (!state) return;
    const stamped = change ? stamp(change, next.timestamp) : {};
    if (change) said[section] = stamped;
    const metadata = merge(old.metadata?.[section], stamped) ?? {};
    next.state![section] = state;
    next.metadata![section] = metadataOf(metadata, state);
  }

  #sayDelta(name: ShadowName, { state, metadata, version }: Shadow, common: object): void {
    const delta = deltaOf(state);
    if (!delta) return;
    const part = metadataOf(metadata?.desired ?? {}, delta);
    this.#say(name, "update/delta", { version, ...common, state: delta, metadata: part } as JsonObject);
  }

  /** A request over MQTT, and its one answer. */
  #receive(topic: string, payload: Buffer): void {
    const [, thing, named = "", operation] = topicPattern.exec(topic) ?? [];
    if (!thing) return;
    const name = thing + named;
    let clientToken: object = {};
    try {
      const request = payload.length && operation !== "update" ? parseRequest(payload) : {};
      clientToken = tokenOf(operation === "update" ? payload : undefined, request);
      // An update tells everybody of its success itself: it has more than one message for that.
      if (operation === "update") this.update(name, payload);
      else this.#say(name, `${operation}/accepted`, { ...this[operation as "get" | "delete"](name), ...clientToken });
    } catch (error) {
      if (!(error instanceof ShadowError)) throw error;
      const { code, message } = error;
      const timestamp = Math.floor(Date.now() / 1000);
      this.#say(name, `${operation}/rejected`, { code, message, timestamp, ...clientToken });
    }
  }

  #existing(name: ShadowName): Shadow {
    const shadow = this.#shadows[name];
    if (!shadow?.state) throw new ShadowError(404, `No shadow exists with name: '${name.split("/").at(-1)}'`);
    return shadow;
  }

  #take(name: ShadowName): void {
    const [thing] = name.split("/");
    const rate = this.#rates.get(thing) ?? new Rate(requestsPerSecond);
    this.#rates.set(thing, rate);
    if (!rate.take()) throw new ShadowError(429, "Too many requests");
  }

  #note(shadow: ShadowName, operation: string, run: () => JsonObject): JsonObject {
    try {
      const answer = run();
      this.emit("request", { shadow, operation, version: answer.version as number });
      return answer;
    } catch (error) {
      if (error instanceof ShadowError) this.emit("request", { shadow, operation, code: error.code });
      throw error;
    }
  }

  #say(name: ShadowName, what: string, message: JsonObject): void {
    const [thing, ...named] = name.split("/");
    const root = ["$aws/things", thing, "shadow", ...named].join("/");
    this.#publish(`${root}/${what}`, JSON.stringify(message));
  }

  #save(): void {
    this.#file.write(this.#shadows);
  }
}

function deltaOf(state: State | undefined): JsonObject | undefined {
  return state?.desired && difference(state.desired, state.reported ?? {});
}

/** The token of a request that may be wrong in other ways, for its rejection. */
function tokenOf(payload: Buffer | undefined, request: Record<string, unknown>): { clientToken?: string } {
  try {
    const { clientToken } = payload ? parseRequest(payload) : request;
    return typeof clientToken === "string" ? { clientToken } : {};
  } catch {
    return {};
  }
}
