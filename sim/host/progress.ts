/** One line that is written over on a terminal; elsewhere a line now and then. */
export class Progress {
  readonly #what: string;
  #shown = 0;

  constructor(what: string) {
    this.#what = what;
  }

  step(index: number, total: number, detail: string): void {
    const text = `${this.#what} ${index}/${total}`;
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text} ${detail}`);
    else if (index === total || index - this.#shown >= total / 4 || !this.#shown) {
      this.#shown = index;
      process.stderr.write(`${text}\n`);
    }
  }

  end(): void {
    if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
  }
}
