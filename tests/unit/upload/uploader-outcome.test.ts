/**
 * Exactly one result, whoever throws and whenever: everything that an upload calls (connection, timers, frame, digest, clock, its owner)
 * throws once, at each of its calls in turn.
 */
import type { Connection, ConnectionHandlers } from "../../../modules/upload/connection";
import { Upload, type UploadResult } from "../../../modules/upload/uploader";
import { Digest } from "../../../native/tls/crypto";
import { assert, equal, rejects, test } from "../harness";
import { ManualTimers } from "./manual-timers";
import { errorAnswer, ok, ScriptedConnection, url } from "./store-script";
import { SyntheticFrame } from "./synthetic-frame";

/** Counts the calls of what it wraps, and throws instead of the one that it was told. */
class Saboteur {
  calls = 0;
  /** What was thrown at. */
  victim = "";
  #at: number;

  constructor(at: number) {
    this.#at = at;
  }

  strike(name: string): void {
    this.calls += 1;
    if (this.calls !== this.#at) return;
    this.victim = name;
    throw new TypeError(`sabotage of ${name}`);
  }
}

// Each of them is a frame deeper than what it stands for, and no more: the stack is the chip's.

class SabotagedConnection extends ScriptedConnection {
  saboteur!: Saboteur;
  override write(buffer: Uint8Array): number {
    this.saboteur.strike("connection.write");
    return super.write(buffer);
  }
  override read(count: number): ArrayBuffer | undefined {
    this.saboteur.strike("connection.read");
    return super.read(count);
  }
  override close(): void {
    this.saboteur.strike("connection.close");
    super.close();
  }
}

class SabotagedTimers extends ManualTimers {
  saboteur!: Saboteur;
  override set(callback: (timer: never) => void, milliseconds: number): unknown {
    this.saboteur.strike("timers.set");
    return super.set(callback, milliseconds);
  }
  override repeat(callback: (timer: never) => void, milliseconds: number): unknown {
    this.saboteur.strike("timers.repeat");
    return super.repeat(callback, milliseconds);
  }
  override clear(timer: never): void {
    this.saboteur.strike("timers.clear");
    super.clear(timer);
  }
}

class SabotagedFrame extends SyntheticFrame {
  saboteur!: Saboteur;
  override read(buffer: Uint8Array): number {
    this.saboteur.strike("frame.read");
    return super.read(buffer);
  }
  override rewind(): boolean {
    this.saboteur.strike("frame.rewind");
    return super.rewind();
  }
}

class SabotagedDigest extends Digest {
  static saboteur: Saboteur;
  constructor(algorithm: "MD5") {
    SabotagedDigest.saboteur.strike("new Digest");
    super(algorithm);
  }
  override write(bytes: Uint8Array): void {
    SabotagedDigest.saboteur.strike("digest.write");
    super.write(bytes);
  }
  override close(): ArrayBuffer {
    SabotagedDigest.saboteur.strike("digest.close");
    return super.close();
  }
}

interface Run {
  saboteur: Saboteur;
  results: UploadResult[];
  connections: ScriptedConnection[];
}

/** What the store answers to one attempt after the other. */
type Story = readonly string[];

async function run(at: number, story: Story): Promise<Run> {
  // From an empty stack.
  await undefined;
  const saboteur = new Saboteur(at);
  const timers = Object.assign(new SabotagedTimers(), { saboteur });
  const connections: ScriptedConnection[] = [];
  const results: UploadResult[] = [];
  SabotagedDigest.saboteur = saboteur;
  const upload = new Upload({
    url,
    frame: Object.assign(new SabotagedFrame(600), { saboteur }),
    clock: {
      isSet: true,
      now() {
        saboteur.strike("clock.now");
        return Date.UTC(2026, 0, 1);
      },
    },
    random: () => {
      saboteur.strike("random");
      return 0.5;
    },
    timers,
    Digest: SabotagedDigest,
    connect(host: string, port: number, handlers: ConnectionHandlers): Connection {
      saboteur.strike("connect");
      const connection = Object.assign(new SabotagedConnection(host, port, handlers), { saboteur });
      connections.push(connection);
      return connection;
    },
    onProgress: () => saboteur.strike("onProgress"),
    onRetry: () => saboteur.strike("onRetry"),
    onResult(result) {
      results.push(result);
      saboteur.strike("onResult");
    },
  });
  timers.advance(0);
  for (const answer of story) {
    const connection = connections[connections.length - 1];
    if (!connection) break;
    connection.drain(300);
    connection.answer("HTTP/1.1 100 Continue\r\n\r\n");
    connection.drain(300);
    if (answer === "") connection.end();
    else connection.answer(answer, 40);
    timers.advance(20_000);
  }
  // Whatever is still awaited has an end.
  for (let i = 0; i < 8; i += 1) timers.advance(1_000_000);
  for (let i = 0; i < 10; i += 1) await undefined;
  const promised = await upload.result;
  assert(
    results.length === 1 && results[0] === promised,
    `${results.length} results after sabotage of ${saboteur.victim}`,
  );
  return { saboteur, results, connections };
}

const stories: [name: string, story: Story, status: string][] = [
  ["stored", [ok], "stored"],
  ["busy, cut, then stored", [errorAnswer(503, "constructor"), "", ok], "stored"],
  ["an expired URL", [errorAnswer(403, "AccessDenied", "Request has expired")], "needURL"],
  ["refused", [errorAnswer(404, "NoSuchBucket")], "failed"],
];

for (const [name, story, status] of stories) {
  test(`one result, whatever throws on the way: ${name}`, { timeout: 120_000 }, async () => {
    const { saboteur, results } = await run(0, story);
    equal(results[0].status, status);
    const { calls } = saboteur;
    assert(calls > 20, `${calls} calls`);
    const victims = new Set<string>();
    for (let at = 2; at <= calls; at += 1) {
      const { saboteur, results, connections } = await run(at, story);
      victims.add(saboteur.victim);
      const [result] = results;
      const isTold = result.status === status || result.code !== "";
      assert(isTold, `no reason after sabotage of ${saboteur.victim}`);
      if (status !== "stored") assert(result.status !== "stored", saboteur.victim);
      for (const connection of connections)
        assert(connection.closed || saboteur.victim === "connection.close", `left open after ${saboteur.victim}`);
    }
    for (const victim of [
      "connect",
      "connection.write",
      "connection.read",
      "timers.set",
      "timers.clear",
      "frame.read",
      "onResult",
    ])
      assert(victims.has(victim), `${victim} was never thrown at`);
  });
}

test("without a timer to begin with there is no upload: whoever wanted one is told at once", async () => {
  await rejects(run(1, [ok]), TypeError);
});

test("a success that was heard is told, whatever throws after it", { timeout: 120_000 }, async () => {
  const { saboteur } = await run(0, [ok]);
  let told = 0;
  for (let at = 2; at <= saboteur.calls; at += 1) {
    const { saboteur: one, results } = await run(at, [ok]);
    if (["connection.close", "onResult", "onProgress"].includes(one.victim)) {
      equal(results[0].status, "stored", one.victim);
      told += 1;
    }
  }
  assert(told > 2);
});
