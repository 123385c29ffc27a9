/** A step of the line: who did it, what happened, and the figures that belong to it. */
export interface Step {
  /** Name for programs, e.g. "provisioned". */
  event: string;
  who: string;
  text: string;
  /** Further fields of the JSON line. */
  fields?: Record<string, unknown>;
  failed?: boolean;
}

export interface Timeline {
  step(step: Step): void;
  /** A picture on its way: bytes that have arrived, of how many. */
  progress(sent: number, total: number): void;
  /** Plain words for a person; not part of the JSON output. */
  note(text: string): void;
}

const barWidth = 32;

/** 12345678 -> "12,345,678" */
export function digits(value: number): string {
  return value.toLocaleString("en-US");
}

function bar(sent: number, total: number): string {
  const filled = total ? Math.round((sent / total) * barWidth) : 0;
  return `[${"█".repeat(filled)}${"░".repeat(barWidth - filled)}] ${digits(sent)} of ${digits(total)} bytes`;
}

/** One line a step, with the seconds since the start; a progress bar that is drawn over itself on a terminal. */
export class TextTimeline implements Timeline {
  #start = performance.now();
  #output: NodeJS.WriteStream;
  #barDrawn = false;

  constructor(output: NodeJS.WriteStream = process.stdout) {
    this.#output = output;
  }

  step({ who, text, failed }: Step): void {
    this.#endBar();
    const seconds = ((performance.now() - this.#start) / 1000).toFixed(2).padStart(7);
    const line = `${seconds} s  ${who.padEnd(8)} ${text}`;
    this.#output.write(failed && this.#output.isTTY ? `\x1b[31m${line}\x1b[0m\n` : `${line}\n`);
  }

  progress(sent: number, total: number): void {
    if (!this.#output.isTTY) return;
    this.#output.write(`\r${" ".repeat(11)}upload   ${bar(sent, total)}`);
    this.#barDrawn = true;
  }

  note(text: string): void {
    this.#endBar();
    this.#output.write(`${text}\n`);
  }

  #endBar(): void {
    if (this.#barDrawn) this.#output.write("\r\x1b[K");
    this.#barDrawn = false;
  }
}

/** The same for programs: one JSON object a line on standard output, notes on standard error. */
export class JsonTimeline implements Timeline {
  #start = performance.now();
  #lastProgress = -1;

  step({ event, who, text, fields, failed }: Step): void {
    const seconds = Math.round(performance.now() - this.#start) / 1000;
    this.#write({ event, who, seconds, text, ...(failed ? { failed } : {}), ...fields });
  }

  /** At most one line for each tenth of the picture. */
  progress(sent: number, total: number): void {
    const tenth = total ? Math.floor((sent / total) * 10) : 0;
    if (tenth === this.#lastProgress) return;
    this.#lastProgress = tenth === 10 ? -1 : tenth;
    const seconds = Math.round(performance.now() - this.#start) / 1000;
    this.#write({ event: "progress", who: "upload", seconds, sent, total });
  }

  note(text: string): void {
    process.stderr.write(`${text}\n`);
  }

  #write(object: object): void {
    process.stdout.write(`${JSON.stringify(object)}\n`);
  }
}
