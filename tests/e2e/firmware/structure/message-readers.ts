import { CommandError } from "../../../../modules/app/command-error";
import { commandShape } from "../../../../modules/app/command-shape";
import { type Command, executeCommand, type Message, optionalString } from "../../../../modules/app/commands";
import { MQTTCommands } from "../../../../modules/app/mqtt-commands";
import type { CloudError } from "../../../../modules/cloud/cloud-error";
import { FleetProvisioning } from "../../../../modules/cloud/fleet-provisioning";
import { judgeGrant } from "../../../../modules/cloud/upload-grants";
import { type TextPairs, textPairs } from "../../../../modules/json/text-pairs";
import { errorHeader, lastFragment } from "../../../../modules/provisioning/fragments";
import type { Link } from "../../../../modules/provisioning/link";
import { Protocomm } from "../../../../modules/provisioning/protocomm";
import { RecordStore } from "../../../../modules/storage/record-store";
import { headerBounds } from "../../../../modules/upload/header-list";
import { PresignedURL } from "../../../../modules/upload/presigned-url";
import type { Kind } from "./wire";

const subject = { imageId: "a", requestId: "VGA", byteLength: 1 };
const endpoint = "camera-command";
/** Bytes of an attribute's value. */
export const valueLength = 512;

function upload(_target: undefined, message: Message): object {
  const url = optionalString(message, "url", 4096);
  return { url: url && PresignedURL.parse(url).redacted.slice(0, 64), headers: countHeaders(message) };
}

function countHeaders({ headers = {} }: Message): number {
  if (!Array.isArray(headers)) return 0;
  try {
    return textPairs(headers, "headers", headerBounds).length;
  } catch (error) {
    throw new CommandError("BadField", (error as Error).message);
  }
}

const commands: Record<string, Command<undefined>> = {
  GetDeviceInfo: { endpoint, overMQTT: true, run: () => ({ ok: true }) },
  UploadPhoto: { endpoint, overMQTT: true, run: upload },
  RegisterDevice: { endpoint: "camera-cert", overMQTT: false, run: () => ({ ok: false }) },
};

/** No cipher: what a phone and the camera make of each other's bytes is tested elsewhere, and with real ones in structure-line.test.ts. */
const plain = { overhead: 0, open: (bytes: Uint8Array, from: number) => bytes.slice(from), seal() {}, close() {} };

/** What is in memory as a whole when it is read. */
export class MessageReaders {
  readonly device = {
    execute: (message: Message) => executeCommand(commands, undefined, message, "mqtt"),
    isLasting: () => false,
  };
  readonly records = new RecordStore("structure");
  readonly commands = new MQTTCommands(this);
  // What Protocomm's link asks for
  readonly shape = commandShape;
  readonly proofOfPossession = "proof";
  readonly storage = this.records;
  readonly binary = { has: () => false, reset() {} };
  readonly json = this;
  #link: Link;
  #answers: string[] = [];

  constructor() {
    this.#link = new Protocomm(this as never).open();
  }

  // Called by the readers

  now(): number {
    return 1;
  }

  respond(answer: string): Promise<void> {
    this.#answers.push(answer);
    return Promise.resolve();
  }

  commandEnded(): void {}

  commandRetained(): void {}

  has(): boolean {
    return true;
  }

  handle(_endpoint: string, message: object): Promise<object> {
    return executeCommand(commands, undefined, message as Message, "bluetooth");
  }

  /** @returns the verdict's name, and perhaps a colon and more; "" for a message that is good */
  judge(kind: Kind, payload: Uint8Array): string | Promise<string> {
    if (kind === "command") return this.judgeCommand(payload);
    if (kind === "grant") return this.judgeGrant(payload);
    if (kind === "record") return this.judgeRecord(payload);
    return new ClaimReader(kind).judge(payload);
  }

  private judgeCommand(payload: Uint8Array): Promise<string> {
    this.#answers.length = 0;
    return this.answered(this.commands.receive(payload.buffer as ArrayBuffer));
  }

  private async answered(done: Promise<void>): Promise<string> {
    await done;
    if (this.#answers.length !== 1) throw new Error(`${this.#answers.length} answers`);
    return verdictOf(this.#answers[0]);
  }

  /** A piece of a message that a phone writes. */
  fragment(index: number, piece: Uint8Array, isLast: boolean): void {
    const link = this.#link;
    if (!link.hasSession) (link as unknown as { open(security: object): void }).open(plain);
    const value = new Uint8Array(1 + piece.length);
    value.set(piece, 1);
    value[0] = index | (isLast ? lastFragment : 0);
    link.write(endpoint, value);
  }

  /** What the phone reads when it has written all. */
  async judgeRequest(): Promise<string> {
    const link = this.#link;
    let answer = "";
    for (let turns = 0; turns < 100; turns += 1) {
      const value = link.read(endpoint, valueLength);
      if (value.byteLength) answer += String.fromArrayBuffer(value.slice(1));
      const [header = 0] = new Uint8Array(value);
      if (header === errorHeader) return answer.includes('"InvalidMessage"') ? "Malformed" : verdictOf(answer);
      if (header & lastFragment) return verdictOf(answer);
      await undefined;
    }
    throw new Error("no answer");
  }

  private judgeGrant(payload: Uint8Array): string {
    const verdict = judgeGrant(payload.buffer as ArrayBuffer, subject, 1);
    if ("grant" in verdict) return "";
    return "refusal" in verdict ? verdict.refusal.code : namedJSON(verdict.ignored);
  }

  private judgeRecord(payload: Uint8Array): Promise<string> {
    this.records.writeBytes("record", payload);
    return this.stored();
  }

  private async stored(): Promise<string> {
    await undefined;
    return this.records.read("record") ? "" : "Absent";
  }
}

/** A round of fleet provisioning that has come as far as the answer which is to be read. */
class ClaimReader {
  #provisioning = new FleetProvisioning(this, { template: "t", parameters: [], delay: 0 });
  #isThing: boolean;
  #end: string;
  #verdict = "";
  #published?: () => void;

  constructor(kind: Kind) {
    this.#isThing = kind.startsWith("thing");
    this.#end = kind.endsWith("refused") ? "rejected" : "accepted";
  }

  openProvisioningSession(): this {
    return this;
  }

  connect(): void {}

  close(): void {}

  subscribe(): Promise<void> {
    return Promise.resolve();
  }

  publish(): Promise<void> {
    this.#published?.();
    return Promise.resolve();
  }

  createRequest(): { key: string; csr: string } {
    return { key: "key", csr: "csr" };
  }

  certificateFor(certificate: string): string {
    return certificate;
  }

  proveThing(): TextPairs {
    return [];
  }

  onProvisioned(): void {}

  onProvisioningFailed({ code, message }: CloudError): void {
    this.#verdict = code === "BadAnswer" ? namedJSON(message, code) : code;
  }

  async judge(payload: Uint8Array): Promise<string> {
    await this.asked(() => this.#provisioning.connect());
    const certificate = "$aws/certificates/create-from-csr/json";
    const thing = "$aws/provisioning-templates/t/provision/json";
    if (this.#isThing) {
      const answer = ArrayBuffer.fromString('{"certificatePem":"c","certificateOwnershipToken":"t"}');
      this.#provisioning.onMessage({ topic: `${certificate}/accepted`, payload: answer });
    }
    const topic = `${this.#isThing ? thing : certificate}/${this.#end}`;
    this.#provisioning.onMessage({ topic, payload: payload.buffer as ArrayBuffer });
    this.#provisioning.close();
    return this.#verdict;
  }

  private asked(begin: () => void): Promise<void> {
    return new Promise((resolve) => {
      this.#published = resolve;
      begin();
    });
  }
}

/** The name of an answer's error, or that of the bound that the message has broken. */
function verdictOf(answer: string): string {
  if (answer.length > 512) throw new Error(`an answer of ${answer.length} characters`);
  const { error } = JSON.parse(answer) as { error?: { code: string; message: string } };
  if (!error) return "";
  return error.code === "BadMessage" ? error.message : error.code;
}

/** "...: TooDeep: more than 4 levels" is TooDeep. */
function namedJSON(message: string, code = message.split(":")[0]): string {
  const found = /: ((Too|String|Number|Malformed)\w*: )/.exec(message);
  return found ? found[1] : code;
}
