import type { Message } from "./commands";

export interface MQTTCommandHost {
  readonly device: { execute(message: Message, transport: "mqtt"): Promise<object> };
  respond(answer: string): Promise<unknown>;
}

/** The largest command that is parsed, in bytes: a presigned URL with a session token is about 2 KB. */
const messageLimit = 6144;
/** Commands that wait for their turn: how many, and of how many bytes together. */
const waitingLimit = 8;
const waitingBytes = 2560;

/**
 * Commands that arrive on `device/<thing>/commands`, answered on `device/<thing>/answers`. IoT Core may deliver
 * a message twice (facts B2.4), so a command whose clientToken was just seen is not carried out again.
 *
 * Several people may ask at once: one command is carried out at a time, in the order in which they came, until the broker has its
 * answer. Some wait; what is more than that is answered with Busy, because all of them together would not fit the machine.
 */
export class MQTTCommands {
  #host: MQTTCommandHost;
  #recent: string[] = [];
  #waiting: ArrayBuffer[] = [];
  #isBusy = false;

  constructor(host: MQTTCommandHost) {
    this.#host = host;
  }

  /** Never throws and never rejects: it is called from an I/O callback. Resolves when nothing waits any more, or when this one does. */
  async receive(payload: ArrayBuffer): Promise<void> {
    if (this.#isBusy) {
      if (this.hasRoom(payload.byteLength)) this.#waiting.push(payload);
      else await this.answer(payload, refuse);
      return;
    }
    this.#isBusy = true;
    for (let next: ArrayBuffer | undefined = payload; next; next = this.#waiting.shift())
      await this.answer(next, execute);
    this.#isBusy = false;
  }

  private hasRoom(bytes: number): boolean {
    let sum = bytes;
    for (const { byteLength } of this.#waiting) sum += byteLength;
    return this.#waiting.length < waitingLimit && sum <= waitingBytes;
  }

  private async answer(
    payload: ArrayBuffer,
    how: (message: Message, host: MQTTCommandHost) => object | Promise<object>,
  ): Promise<void> {
    let answer: object;
    let token: unknown;
    try {
      if (payload.byteLength > messageLimit) throw new RangeError(`a command is at most ${messageLimit} bytes`);
      const message = JSON.parse(String.fromArrayBuffer(payload)) as Message;
      if (typeof message !== "object" || message === null) throw new TypeError("a command is a JSON object");
      token = message.clientToken;
      if (this.#recent.includes(token as string)) return;
      if (how === execute) this.remember(token);
      answer = await how(message, this.#host);
    } catch (error) {
      answer = { error: { code: "BadMessage", message: (error as Error).message } };
    }
    try {
      await this.#host.respond(JSON.stringify(answer));
    } catch {
      // The session ended; whoever asked sees no answer and asks again, with the same token if they like.
      this.forget(token);
    }
  }

  private remember(token: unknown): void {
    if (typeof token !== "string" || !token) return;
    if (this.#recent.length === 8) this.#recent.shift();
    this.#recent.push(token);
  }

  private forget(token: unknown): void {
    const index = this.#recent.indexOf(token as string);
    if (index >= 0) this.#recent.splice(index, 1);
  }
}

function execute(message: Message, { device }: MQTTCommandHost): Promise<object> {
  return device.execute(message, "mqtt");
}

function refuse({ type, clientToken }: Message): object {
  return { type, clientToken, error: { code: "Busy", message: "too many commands at once" } };
}
