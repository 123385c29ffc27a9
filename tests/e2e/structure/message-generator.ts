import type { Kind } from "../firmware/structure/wire.ts";
import type { MessageWriter } from "./message-writer.ts";
import type { Random } from "./random.ts";

const commandNames = [
  "imageId",
  "url",
  "headers",
  "parameters",
  "framing",
  "offset",
  "since",
  "endpoint",
  "template",
  "expires",
];
const claimNames = [
  "certificatePem",
  "certificateOwnershipToken",
  "thingName",
  "deviceConfiguration",
  "endpoint",
  "statusCode",
  "errorCode",
];

/** Names that the firmware reads. */
const names: Readonly<Record<Kind, readonly string[]>> = {
  command: commandNames,
  bluetooth: commandNames,
  grant: ["imageId", "requestId", "url", "headers", "framing", "expires", "error", "code", "message"],
  shadow: ["state", "desired", "version", "clientToken", "code", "metadata", "brightness", "resolution", "effect"],
  job: [
    "execution",
    "executionState",
    "jobId",
    "status",
    "versionNumber",
    "jobDocument",
    "operation",
    "message",
    "code",
  ],
  certificate: claimNames,
  "certificate refused": claimNames,
  thing: claimNames,
  "thing refused": claimNames,
  record: ["pending", "skipped", "imageId", "due", "slot", "thingName", "certificate", "count", "resolution"],
};

/** None of them changes anything: what they lack, or have too much of, is refused. */
const types = ["GetDeviceInfo", "GetTelemetry", "GetUpload", "GetThumbnail", "UploadPhoto", "RegisterDevice", "Reboot"];

const words = [
  "",
  "a",
  "VGA",
  "length",
  "https://localhost/x?",
  "\\u0000",
  "\\ud800",
  '\\"\\\\\\/\\n',
  "\xc3\xa9",
  "\xe2\x82\xac",
];
const numbers = [
  "0",
  "-1",
  "7",
  "1.5",
  "1e999",
  "-0",
  "4294967296",
  "123456789012345678901",
  "0.1E-7",
  "9".repeat(40),
  `-0.${"3".repeat(38)}`,
];

/** Writes a message about so many bytes long, with whatever a broker, a phone or AWS may send, and what nobody should. */
export class MessageGenerator {
  #random: Random;
  #out: MessageWriter;
  #names: readonly string[];
  #size: number;
  /** How many names there are that nobody knows. All names of a record become properties, which take a slot each for good: the firmware's own are few. */
  #foreign: number;

  constructor(random: Random, out: MessageWriter, kind: Kind, size: number) {
    this.#random = random;
    this.#out = out;
    this.#names = names[kind];
    this.#size = size;
    this.#foreign = kind === "record" ? 8 : 1 << 20;
    if (kind === "command" || kind === "bluetooth") this.command();
    else this.object(3);
    out.end();
  }

  private command(): void {
    const { below } = bound(this.#random);
    this.#out.text('{"type":');
    const choice = below(20);
    if (choice === 0) this.string();
    else if (choice === 1) this.value(2);
    else this.#out.text(`"${types[below(types.length)]}"`);
    if (below(4)) this.#out.text(`,"clientToken":"${below(1 << 30)}-${below(1 << 30)}"`);
    while (this.#out.offered < this.#size - 1) {
      this.#out.text(",");
      this.member(3);
    }
    this.#out.text("}");
  }

  private object(depth: number): void {
    this.#out.text("{");
    let isFirst = true;
    for (let count = this.#random.below(6); count > 0 || (depth === 3 && this.#out.offered < this.#size); count -= 1) {
      if (!isFirst) this.#out.text(this.#random.below(40) ? "," : " , \n");
      isFirst = false;
      this.member(depth);
    }
    this.#out.text("}");
  }

  private member(depth: number): void {
    const random = this.#random;
    const choice = random.below(this.#foreign > 8 ? 18 : 17);
    if (choice < 12) this.#out.text(`"${this.#names[random.below(this.#names.length)]}"`);
    else if (choice < 16) this.#out.text(`"foreign${random.below(this.#foreign)}"`);
    else if (choice < 17) this.#out.text('"__proto__"');
    else this.string();
    this.#out.text(":");
    this.value(depth - 1);
  }

  private value(depth: number): void {
    const random = this.#random;
    switch (random.below(depth > 0 ? 12 : 6)) {
      case 0:
      case 1:
        this.#out.text(numbers[random.below(numbers.length)]);
        break;
      case 2:
        this.#out.text(["true", "false", "null"][random.below(3)]);
        break;
      case 3:
      case 4:
      case 5:
        this.string();
        break;
      case 6:
      case 7:
        this.object(depth);
        break;
      case 8:
        this.many();
        break;
      case 9:
        this.deep();
        break;
      case 10:
        this.map();
        break;
      default:
        this.#out.text("[");
        this.value(depth - 1);
        this.#out.text("]");
    }
  }

  /** What is left of the message's size at most. */
  private get room(): number {
    return Math.max(this.#size - this.#out.offered, 1);
  }

  private string(): void {
    const random = this.#random;
    this.#out.text('"');
    if (random.below(3)) this.#out.text(words[random.below(words.length)]);
    else {
      const letter = 0x61 + random.below(26);
      for (let count = random.skewed(this.room); count > 0; count -= 1) this.#out.put(letter);
    }
    this.#out.text('"');
  }

  private many(): void {
    const word = this.#random.below(2) ? "1" : "[]";
    this.#out.text(`[${word}`);
    for (let count = this.#random.skewed(this.room) >> 1; count > 0; count -= 1) this.#out.text(`,${word}`);
    this.#out.text("]");
  }

  private deep(): void {
    const levels = this.#random.skewed(this.room);
    const isObject = this.#random.below(2);
    for (let i = 0; i < levels; i += 1) this.#out.text(isObject ? '{"a":' : "[");
    this.#out.text("1");
    for (let i = 0; i < levels; i += 1) this.#out.text(isObject ? "}" : "]");
  }

  /** Names as headers have them, and hardly one of them twice. */
  private map(): void {
    const random = this.#random;
    this.#out.text("{");
    for (let count = random.skewed(Math.min(this.room, 600)); count > 0; count -= 1)
      this.#out.text(`"x-${random.below(this.#foreign)}":"${random.below(100)}"${count > 1 ? "," : ""}`);
    this.#out.text("}");
  }
}

function bound(random: Random) {
  return { below: (limit: number) => random.below(limit) };
}
