import { parseJSON } from "../json/parse-json";
import type { RecordStore } from "../storage/record-store";
import { CommandMemory, retainedMark, tokenMark } from "./command-memory";
import { commandShape } from "./command-shape";
import type { Message } from "./commands";

export interface MQTTCommandHost {
  readonly device: {
    execute(message: Message, transport: "mqtt"): Promise<object>;
    /** Whether it matters that the command is carried out once, and not twice. */
    isLasting(message: Message): boolean;
  };
  readonly records: Pick<RecordStore, "read" | "write">;
  /** Resolves when the answer is queued. */
  respond(answer: string): Promise<unknown>;
  /** The next one may come. */
  commandEnded(): void;
  /** A retained command was not carried out. */
  commandRetained(): void;
}

const busy = '{"error":{"code":"Busy","message":"one command at a time"}}';
const failed = '{"error":{"code":"Failed","message":"the answer could not be made"}}';

const repeated = "it was carried out before";
const retained = "a retained command is not carried out: it would be again at each start";

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
  #memory: CommandMemory;
  #isBusy = false;

  constructor(host: MQTTCommandHost) {
    this.#host = host;
    this.#memory = new CommandMemory(host.records);
  }

  /** Nothing may be received until the host is told that the command has ended. */
  get isBusy(): boolean {
    return this.#isBusy;
  }

  /**
   * Never throws and never rejects. Resolves when the answer is queued.
   *
   * @param isKept the broker keeps the message, and delivers it to whoever subscribes (the retain flag)
   */
  receive(payload: ArrayBuffer, isKept = false): Promise<void> {
    if (this.#isBusy) return this.respond(busy);
    // It takes a retained message away, and a broker that has queued it may not have taken the flag off.
    if (isKept && !payload.byteLength) return Promise.resolve();
    this.#isBusy = true;
    // No async function: its frame would hold the bytes as long as the command takes.
    const mark = isKept ? retainedMark(payload) : 0;
    const command = mark && this.#memory.isKept(mark) ? undefined : readCommand(payload);
    return mark ? this.refuse(command, mark) : this.carryOut(command as Message | string);
  }

  private async carryOut(command: Message | string): Promise<void> {
    if (typeof command === "string") await this.respond(command);
    else {
      const mark = tokenMark(command.clientToken);
      if (!this.#memory.isRecent(mark)) await this.execute(command, mark);
    }
    this.end();
  }

  private async execute(command: Message, mark: number): Promise<void> {
    const { device } = this.#host;
    this.#memory.remember(mark);
    let answer: string;
    try {
      if (this.#memory.isKept(mark)) answer = refusal(command, "Repeated", repeated);
      else {
        const result = await device.execute(command, "mqtt");
        if (mark && !("error" in result) && device.isLasting(command)) this.#memory.keep(mark);
        answer = JSON.stringify(result);
      }
    } catch {
      answer = failed;
    }
    await this.respond(answer, mark);
  }

  /** It comes at each start, and is told of at each. It is answered once. */
  private async refuse(command: Message | string | undefined, mark: number): Promise<void> {
    this.#host.commandRetained();
    if (command !== undefined) {
      this.#memory.keep(mark);
      await this.respond(typeof command === "string" ? command : refusal(command, "Retained", retained));
    }
    this.end();
  }

  private end(): void {
    this.#isBusy = false;
    this.#host.commandEnded();
  }

  private async respond(answer: string, mark = 0): Promise<void> {
    try {
      await this.#host.respond(answer);
    } catch {
      // There is no session, or no room; whoever asked sees no answer and asks again, with the same token if they like.
      this.#memory.forget(mark);
    }
  }
}

function refusal({ type, clientToken }: Message, code: string, message: string): string {
  return JSON.stringify({ type: textOf(type), clientToken: textOf(clientToken), error: { code, message } });
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value.slice(0, 128) : undefined;
}

/** The command, or the answer to what is none. */
function readCommand(payload: ArrayBuffer): Message | string {
  try {
    return parseJSON(payload, commandShape);
  } catch (error) {
    return JSON.stringify({ error: { code: "BadMessage", message: (error as Error).message } });
  }
}
