/**
 * The firmware's readers of JSON in a machine of which a camera at rest has taken its part, and messages of a generator for all of them: so
 * many from one seed on, each with a seed of its own.
 */
import { getEnvironment } from "environment";
import { collectGarbage, statistics } from "statistics";
import { type Command, executeCommand, type Message, optionalString } from "../../../../modules/app/commands";
import { MQTTCommands } from "../../../../modules/app/mqtt-commands";
import { settingNames } from "../../../../modules/app/settings";
import { JobReader } from "../../../../modules/cloud/job-message";
import { ShadowReader } from "../../../../modules/cloud/shadow-message";
import { judgeGrant } from "../../../../modules/cloud/upload-grants";
import { JSONError } from "../../../../modules/json/json-error";
import { textMap } from "../../../../modules/json/text-map";
import { headerBounds } from "../../../../modules/upload/header-bounds";
import { PresignedURL } from "../../../../modules/upload/presigned-url";
import { type Kind, MessageGenerator } from "./message-generator";
import { type ByteSink, MessageWriter } from "./message-writer";
import { Random } from "./random";

const kinds: readonly Kind[] = ["command", "command", "command", "grant", "shadow", "job"];
/** Bytes: what the session takes of a command or a grant, and what AWS sends of the others. */
const limits: Readonly<Record<Kind, number>> = { command: 4096, grant: 4080, shadow: 131_000, job: 131_000 };
const known = ["operation", "message"];
const subject = { imageId: "a", requestId: "VGA", byteLength: 1 };

/** With it the machine is as full as that of a connected camera at rest: 10 KB, and 1,000 slots, the test's own code among them. */
class Ballast {
  readonly held: Uint8Array[] = [];

  constructor() {
    for (collectGarbage(); statistics().chunkBytes < 10_000; ) this.held.push(new Uint8Array(200));
    while (statistics().slots < 1000) this.held.push(this.held[0].subarray(1));
  }
}

/** Bytes of a message that is held in memory. */
class Payload implements ByteSink {
  readonly bytes: Uint8Array;
  #position = 0;

  constructor(length: number) {
    this.bytes = new Uint8Array(length);
  }

  write(bytes: Uint8Array, from: number, to: number): void {
    this.bytes.set(bytes.subarray(from, to), this.#position);
    this.#position += to - from;
  }
}

function upload(_target: undefined, message: Message): object {
  const url = optionalString(message, "url", 4096);
  const headers = message.headers === undefined ? undefined : textMap(message.headers, "headers", headerBounds);
  return { url: url && PresignedURL.parse(url).redacted.slice(0, 64), headers: Object.keys(headers ?? {}).length };
}

const commands: Record<string, Command<undefined>> = {
  GetDeviceInfo: { endpoint: "camera-command", overMQTT: true, run: () => ({ ok: true }) },
  UploadPhoto: { endpoint: "camera-upload", overMQTT: true, run: upload },
  RegisterDevice: { endpoint: "camera-cert", overMQTT: false, run: () => ({ ok: false }) },
};

class Readers {
  readonly counts: Record<string, number> = {
    command: 0,
    grant: 0,
    shadow: 0,
    job: 0,
    read: 0,
    refused: 0,
    damaged: 0,
  };
  readonly device = {
    execute: (message: Message) => executeCommand(commands, undefined, message, "mqtt"),
    isLasting: () => false,
  };
  readonly records = { read: () => undefined, write() {} };
  readonly commands = new MQTTCommands(this);
  /** Of the command that is carried out. */
  answers = 0;
  answer = "";
  #piece = new Uint8Array(256);

  respond(answer: string): Promise<void> {
    this.answers += 1;
    this.answer = answer;
    return Promise.resolve();
  }

  commandEnded(): void {}

  commandRetained(): void {}

  async take(seed: number): Promise<void> {
    const random = new Random(seed);
    const kind = kinds[random.below(kinds.length)];
    const size = random.below(50) ? random.skewed(400) : random.skewed(limits[kind]);
    this.counts[kind] += 1;
    if (kind === "shadow") this.readStream(new ShadowReader("get/accepted", settingNames), seed, kind, size);
    else if (kind === "job") this.readStream(new JobReader(known), seed, kind, size);
    else if (kind === "grant") this.readGrant(this.payload(seed, kind, size));
    else {
      this.answers = 0;
      await this.commands.receive(this.payload(seed, kind, size));
      this.judgeAnswer();
    }
  }

  /** The same message each time, so it can be counted before there is a place for it. */
  private generate(seed: number, kind: Kind, size: number, sink?: ByteSink): MessageWriter {
    const random = new Random(seed ^ 0x5bd1e995);
    const writer = new MessageWriter(random, size, this.#piece, sink);
    new MessageGenerator(random, writer, kind, size);
    return writer;
  }

  private payload(seed: number, kind: Kind, size: number): ArrayBuffer {
    const { length, damage } = this.generate(seed, kind, size);
    if (damage !== "none") this.counts.damaged += 1;
    // A session drops what is larger.
    const payload = new Payload(length > limits[kind] ? 0 : length);
    if (payload.bytes.length) this.generate(seed, kind, size, payload);
    return payload.bytes.buffer as ArrayBuffer;
  }

  private readStream(reader: ShadowReader | JobReader, seed: number, kind: Kind, size: number): void {
    if (this.generate(seed, kind, size, reader).damage !== "none") this.counts.damaged += 1;
    try {
      reader.message();
      this.counts.read += 1;
    } catch (error) {
      if (!(error instanceof JSONError)) throw error;
      this.counts.refused += 1;
    }
  }

  private readGrant(payload: ArrayBuffer): void {
    const verdict = judgeGrant(payload, subject, 1);
    if ("ignored" in verdict && verdict.ignored !== "ForeignGrant") this.counts.refused += 1;
    else this.counts.read += 1;
  }

  private judgeAnswer(): void {
    if (this.answers !== 1) throw new Error(`${this.answers} answers`);
    if (this.answer.length > 512) throw new Error(`an answer of ${this.answer.length} characters`);
    if (this.answer.includes('"error"')) this.counts.refused += 1;
    else this.counts.read += 1;
  }
}

const first = Number(getEnvironment("SEED"));
const count = Number(getEnvironment("COUNT"));
const ballast = new Ballast();
const readers = new Readers();
trace(`${JSON.stringify({ begin: statistics() })}\n`);
let seed = first;
try {
  for (; seed < first + count; seed += 1) {
    // Should the machine end, the last line says where.
    if (seed % 64 === 0) trace(`{"at":${seed}}\n`);
    await readers.take(seed);
  }
  collectGarbage();
  const { chunkBytesPeak, slotsPeak, stackPeak } = statistics();
  trace(
    `${JSON.stringify({ done: { ...readers.counts, chunkBytesPeak, slotsPeak, stackPeak, held: ballast.held.length } })}\n`,
  );
} catch (error) {
  trace(`${JSON.stringify({ failed: seed, error: String((error as Error).stack ?? error) })}\n`);
}
