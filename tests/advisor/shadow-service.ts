import { encoders, isMatch, type Packet } from "./mqtt-wire.ts";
import type { Peer } from "./peer.ts";

type State = Record<string, unknown>;

const isObject = (value: unknown): value is State =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** What of `desired` is not in `reported`; undefined when nothing. */
export function difference(desired: State, reported: State = {}): State | undefined {
  const delta: State = {};
  for (const [key, wanted] of Object.entries(desired)) {
    const given = reported[key];
    if (isObject(wanted) && isObject(given)) {
      const inner = difference(wanted, given);
      if (inner) delta[key] = inner;
    } else if (JSON.stringify(wanted) !== JSON.stringify(given)) delta[key] = wanted;
  }
  return Object.keys(delta).length ? delta : undefined;
}

/** A part of a document is changed by a part: objects are merged, null removes (device-shadow-document). */
export function merge(target: State, change: State): State {
  const result = { ...target };
  for (const [key, value] of Object.entries(change)) {
    if (value === null) delete result[key];
    else result[key] = isObject(value) && isObject(result[key]) ? merge(result[key], value) : value;
  }
  return result;
}

/** Whether the client asked for the topic on this connection. */
export function isSubscribed(peer: Peer, topic: string): boolean {
  const filters = peer.packets("SUBSCRIBE").flatMap((packet) => packet.filters ?? []);
  return filters.some((filter) => isMatch(filter.topic, topic));
}

/** Says something to the client if it asked for the topic. */
export function tell(peer: Peer, topic: string, document: object): void {
  if (isSubscribed(peer, topic)) peer.send(encoders.publish(topic, JSON.stringify(document)));
}

/** Calls `take` for each message that the client published and publishes. */
export function onPublish(peer: Peer, take: (topic: string, payload: Buffer) => void): void {
  const look = ({ name, topic, payload }: Packet) => {
    if (name === "PUBLISH") take(topic!, payload!);
  };
  const earlier = peer.onPacket;
  peer.onPacket = (packet) => {
    earlier?.(packet);
    look(packet);
  };
  for (const { packet } of peer.arrivals) look(packet);
}

/** Why a request is rejected; the code is the service's. */
export class RequestError extends Error {
  readonly code: number | string;
  /** Of a job: how it really is. */
  readonly executionState?: object;

  constructor(code: number | string, message: string, executionState?: object) {
    super(message);
    this.code = code;
    this.executionState = executionState;
  }
}

/** @throws RequestError */
export function parseRequest<Request>(payload: Buffer): Request {
  let request: unknown;
  try {
    request = JSON.parse(payload.toString());
  } catch {
    // Refused below.
  }
  if (!isObject(request)) throw new RequestError(400, "Payload contains invalid json");
  return request as Request;
}

interface Update {
  state?: { reported?: State; desired?: State };
  version?: number;
  clientToken?: string;
}

/** The shadow of one thing on the reserved topics: `get` and `update`, with versions, delta and rejections. */
export class ShadowService {
  readonly #prefix: string;
  /** 0: there is no document yet. */
  #version = 0;
  desired: State = {};
  reported: State = {};

  constructor(thingName: string, shadowName?: string) {
    this.#prefix = `$aws/things/${thingName}/shadow${shadowName ? `/name/${shadowName}` : ""}`;
  }

  get updateTopic(): string {
    return `${this.#prefix}/update`;
  }

  /** Answers what is asked on `peer`. */
  serve(peer: Peer): void {
    onPublish(peer, (topic, payload) => this.#take(peer, topic, payload));
  }

  /** The cloud's side changes what it wants. */
  desire(peer: Peer, desired: State, clientToken: string): void {
    this.desired = merge(this.desired, desired);
    this.#changed(peer, clientToken);
  }

  #take(peer: Peer, topic: string, payload: Buffer): void {
    const operation = topic.startsWith(`${this.#prefix}/`) ? topic.slice(this.#prefix.length + 1) : "";
    if (operation !== "get" && operation !== "update") return;
    let clientToken: string | undefined;
    try {
      const request = payload.length ? parseRequest<Update>(payload) : {};
      clientToken = request.clientToken;
      if (operation === "update") this.#update(peer, request);
      else this.#get(peer, clientToken);
    } catch (error) {
      const { code, message } = error as RequestError;
      tell(peer, `${this.#prefix}/${operation}/rejected`, { code, message, clientToken });
    }
  }

  #get(peer: Peer, clientToken?: string): void {
    if (!this.#version) throw new RequestError(404, "No shadow exists");
    this.#answer(peer, "get", { state: this.#state(), clientToken });
  }

  #update(peer: Peer, { state, version, clientToken }: Update): void {
    if (!isObject(state)) throw new RequestError(400, "Missing required node: state");
    if (version !== undefined && version !== this.#version) throw new RequestError(409, "Version conflict");
    if (state.reported) this.reported = merge(this.reported, state.reported);
    if (state.desired) this.desired = merge(this.desired, state.desired);
    this.#changed(peer, clientToken, state);
  }

  #changed(peer: Peer, clientToken?: string, state: object = { desired: this.desired }): void {
    this.#version += 1;
    this.#answer(peer, "update", { state, clientToken });
    const delta = difference(this.desired, this.reported);
    if (delta) tell(peer, `${this.#prefix}/update/delta`, { ...this.#stamp(), state: delta, clientToken });
    const current = { state: { desired: this.desired, reported: this.reported }, ...this.#stamp() };
    tell(peer, `${this.#prefix}/update/documents`, { current, clientToken });
  }

  #state(): object {
    return { desired: this.desired, reported: this.reported, delta: difference(this.desired, this.reported) };
  }

  #stamp(): { version: number; timestamp: number } {
    return { version: this.#version, timestamp: Math.floor(Date.now() / 1000) };
  }

  #answer(peer: Peer, operation: "get" | "update", document: object): void {
    tell(peer, `${this.#prefix}/${operation}/accepted`, { ...document, ...this.#stamp() });
  }
}
