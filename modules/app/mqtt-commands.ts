import type { Message } from "./commands";

export interface MQTTCommandHost {
  readonly device: { execute(message: Message, transport: "mqtt"): Promise<object> };
  /** Resolves when the answer is queued. */
  respond(answer: string): Promise<unknown>;
  /** The next one may come. */
  commandEnded(): void;
}

/** The largest command that is parsed, in bytes: a presigned URL with a session token is about 2 KB. */
const messageLimit = 6144;

const busy = '{"error":{"code":"Busy","message":"one command at a time"}}';
const failed = '{"error":{"code":"Failed","message":"the answer could not be made"}}';

/**
 * Commands that arrive on `device/<thing>/commands`, answered on `device/<thing>/answers`. IoT Core may deliver
 * a message twice (facts B2.4), so a command whose clientToken was just seen is not carried out again.
 *
 * Several people may ask at once: one command is carried out at a time, in the order in which they came. The next one is not read from the
 * connection before (`isBusy`), so it does not matter how many wait. Nothing that has to come in is awaited meanwhile: it may
 * stand behind them.
 */
export class MQTTCommands {
  #host: MQTTCommandHost;
  #recent: string[] = [];
  #isBusy = false;

  constructor(host: MQTTCommandHost) {
    this.#host = host;
  }

  /** Nothing may be received until the host is told that the command has ended. */
  get isBusy(): boolean {
    return this.#isBusy;
  }

  /** Never throws and never rejects. Resolves when the answer is queued. */
  receive(payload: ArrayBuffer): Promise<void> {
    if (this.#isBusy) return this.respond(busy);
    this.#isBusy = true;
    // No async function: its frame would hold the bytes as long as the command takes.
    return this.carryOut(readCommand(payload));
  }

  private async carryOut(command: Message | string): Promise<void> {
    if (typeof command === "string") await this.respond(command);
    else if (!this.#recent.includes(command.clientToken as string)) await this.execute(command);
    this.#isBusy = false;
    this.#host.commandEnded();
  }

  private async execute(command: Message): Promise<void> {
    const { clientToken } = command;
    this.remember(clientToken);
    let answer: string;
    try {
      answer = JSON.stringify(await this.#host.device.execute(command, "mqtt"));
    } catch {
      answer = failed;
    }
    await this.respond(answer, clientToken);
  }

  private async respond(answer: string, token?: unknown): Promise<void> {
    try {
      await this.#host.respond(answer);
    } catch {
      // There is no session, or no room; whoever asked sees no answer and asks again, with the same token if they like.
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

/** The command, or the answer to what is none. */
function readCommand(payload: ArrayBuffer): Message | string {
  try {
    if (payload.byteLength > messageLimit) throw new RangeError(`a command is at most ${messageLimit} bytes`);
    const message = JSON.parse(String.fromArrayBuffer(payload)) as Message;
    if (typeof message !== "object" || message === null) throw new TypeError("a command is a JSON object");
    return message;
  } catch (error) {
    return JSON.stringify({ error: { code: "BadMessage", message: (error as Error).message } });
  }
}
