import { cancellable, within } from "./waiting.ts";

interface Limits {
  /** Milliseconds. */
  timeout: number;
  late(): Error;
  signal?: AbortSignal;
}

interface Pending<Answer> {
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

/** Requests whose answers come over another topic, known by a token. */
export class PendingAnswers<Answer> {
  #pending = new Map<unknown, Pending<Answer>>();

  /** Sends, and resolves with the answer to `token`. @throws what `send` throws, `late()`, PhoneError Cancelled */
  async ask(token: string, send: () => Promise<void>, { timeout, late, signal }: Limits): Promise<Answer> {
    const answered = new Promise<Answer>((resolve, reject) => this.#pending.set(token, { resolve, reject }));
    // It may be rejected while the request is still being sent.
    answered.catch(() => {});
    try {
      await cancellable(send(), signal);
      return await cancellable(within(timeout, answered, late), signal);
    } finally {
      this.#pending.delete(token);
    }
  }

  /** Answers that nobody waits for are dropped. */
  answer(token: unknown, answer: Answer): void {
    this.#pending.get(token)?.resolve(answer);
  }

  failAll(error: () => Error): void {
    for (const { reject } of this.#pending.values()) reject(error());
  }
}
