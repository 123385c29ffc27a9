import type { Message } from "./commands";

export interface MQTTCommandHost {
  readonly device: { execute(message: Message, transport: "mqtt"): Promise<object> };
  respond(answer: string): Promise<unknown>;
}

/** The largest command that is parsed, in bytes: a presigned URL with a session token is about 2 KB. */
const messageLimit = 6144;

/**
 * Commands that arrive on `device/<thing>/commands`, answered on `device/<thing>/answers`. IoT Core may deliver
 * a message twice (facts B2.4), so a command whose clientToken was just seen is not carried out again.
 */
export class MQTTCommands {
  #host: MQTTCommandHost;
  #recent: string[] = [];

  constructor(host: MQTTCommandHost) {
    this.#host = host;
  }

  /** Never throws and never rejects: it is called from an I/O callback. */
  async receive(payload: ArrayBuffer): Promise<void> {
    let answer: object;
    try {
      if (payload.byteLength > messageLimit) throw new RangeError(`a command is at most ${messageLimit} bytes`);
      const message = JSON.parse(String.fromArrayBuffer(payload)) as Message;
      if (typeof message !== "object" || message === null) throw new TypeError("a command is a JSON object");
      if (this.isRepeated(message.clientToken)) return;
      answer = await this.#host.device.execute(message, "mqtt");
    } catch (error) {
      answer = { error: { code: "BadMessage", message: (error as Error).message } };
    }
    try {
      await this.#host.respond(JSON.stringify(answer));
    } catch {
      // The session ended; whoever asked sees no answer and asks again with the same token or a new one.
    }
  }

  private isRepeated(token: unknown): boolean {
    if (typeof token !== "string" || !token) return false;
    if (this.#recent.includes(token)) return true;
    if (this.#recent.length === 8) this.#recent.shift();
    this.#recent.push(token);
    return false;
  }
}
