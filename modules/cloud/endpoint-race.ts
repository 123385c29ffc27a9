import Timer from "timer";
import { type OwnedTimer, setTimer } from "../network/owned-timer";
import { CloudError } from "./cloud-error";
import { type Endpoint, parseEndpoint } from "./endpoint";
import type { Resolver, ResolverOptions } from "./guard-resolver";

/** ECMA-419 TCP socket, as far as it is used here. */
interface Socket {
  close(): void;
}

export interface RaceOptions {
  /** `host` or `host:port`, at the index by which the watcher knows it; undefined does not take part. */
  candidates: readonly (string | undefined)[];
  dns: ResolverOptions;
  /** The TCP socket and its options. */
  TCP: { io: new (options: never) => Socket; [option: string]: unknown };
  /** Milliseconds. */
  timeout: number;
}

export interface RaceWatcher {
  /** It was the first that took a TCP connection. All connections are closed. */
  onWinner(index: number): void;
  /** Nobody did in time. */
  onNoWinner(error: CloudError): void;
}

/** What was decided: an index, or one of these. */
const undecided = -1;
const nobody = -2;

/**
 * Finds out which endpoint answers first: all names are looked up at once, and TCP connections are opened to all addresses that come. No
 * TLS: that begins when there is one winner, on a connection of its own. It is used once, and tells the watcher once, from a timer.
 *
 * Nothing is kept for each candidate but its socket: sockets call functions in flash and are found again by their place.
 */
export class EndpointRace {
  /** Called on the socket, whose `target` is the race (ECMA-419). */
  static readonly #callbacks = Object.freeze({
    onReadable() {},
    onWritable(this: Socket & { target: EndpointRace }) {
      const index = this.target.#sockets.indexOf(this);
      if (index >= 0) this.target.decide(index);
    },
    onError(this: Socket & { target: EndpointRace }) {
      this.target.lost(this.target.#sockets.indexOf(this));
    },
  });

  static #onTimer({ owner }: OwnedTimer<EndpointRace>): void {
    owner.end();
  }

  #watcher?: RaceWatcher;
  #candidates: RaceOptions["candidates"];
  #tcp: RaceOptions["TCP"];
  #resolver?: Resolver;
  #sockets: (Socket | undefined)[] = [];
  /** Look-ups without an answer, and sockets that may still connect. */
  #running = 0;
  #winner = undecided;
  #timer?: Timer;

  constructor(options: RaceOptions, watcher: RaceWatcher) {
    const { candidates, dns, TCP, timeout } = options;
    this.#watcher = watcher;
    this.#candidates = candidates;
    this.#tcp = TCP;
    this.#timer = setTimer(this, EndpointRace.#onTimer, timeout) as Timer;
    try {
      this.#resolver = new dns.io(dns as never);
      this.lookUp(this.#resolver);
    } catch {
      this.decide(nobody);
    }
  }

  /** Ends the race without telling. */
  close(): void {
    this.#watcher = undefined;
    this.end();
  }

  /** Each name once, whatever ports it is wanted for. One pair of functions serves all names. */
  private lookUp(resolver: Resolver): void {
    const onResolved = (host: string, address: string) => this.resolved(host, address);
    const onError = () => this.stopped();
    const hosts = this.#candidates.map(hostOf);
    // All are counted before the first can be answered.
    const names = hosts.filter((host, index) => host !== undefined && hosts.indexOf(host) === index);
    this.#running = names.length;
    for (const host of names) resolver.resolve({ host: host as string, onResolved, onError });
  }

  private resolved(host: string, address: string): void {
    for (let index = 0; index < this.#candidates.length && this.#winner === undecided; index += 1) {
      const candidate = this.#candidates[index];
      if (candidate === undefined || this.#sockets[index]) continue;
      const endpoint = parseEndpoint(candidate);
      if (endpoint.host === host) this.open(index, address, endpoint);
    }
    this.stopped();
  }

  private open(index: number, address: string, { host, port }: Endpoint): void {
    try {
      const options = { ...this.#tcp, host, address, port, target: this, ...EndpointRace.#callbacks };
      this.#sockets[index] = new this.#tcp.io(options as never);
      this.#running += 1;
    } catch {
      // No socket for it: it cannot win.
    }
  }

  private lost(index: number): void {
    const socket = this.#sockets[index];
    if (!socket) return;
    this.#sockets[index] = undefined;
    shut(socket);
    this.stopped();
  }

  /** A look-up or a socket has come to its end. */
  private stopped(): void {
    this.#running -= 1;
    if (this.#running <= 0) this.decide(nobody);
  }

  /** What follows is done by the timer: nobody is in the middle of a callback of a socket then. */
  private decide(winner: number): void {
    if (this.#winner !== undecided || !this.#timer) return;
    this.#winner = winner;
    Timer.clear(this.#timer);
    this.#timer = setTimer(this, EndpointRace.#onTimer, 0) as Timer;
  }

  private end(): void {
    const watcher = this.#watcher;
    const winner = this.#winner;
    this.#watcher = undefined;
    this.#winner = nobody;
    Timer.clear(this.#timer);
    this.#timer = undefined;
    for (const socket of this.#sockets) if (socket) shut(socket);
    this.#sockets = [];
    if (this.#resolver?.close) shut(this.#resolver as Socket);
    if (winner >= 0) watcher?.onWinner(winner);
    else watcher?.onNoWinner(new CloudError("NoEndpoint", "none of the endpoints took a connection in time"));
  }
}

function hostOf(candidate: string | undefined): string | undefined {
  return candidate === undefined ? undefined : parseEndpoint(candidate).host;
}

function shut(socket: Socket): void {
  try {
    socket.close();
  } catch {
    // It is gone in any case.
  }
}
