import { PhoneError } from "./errors.ts";

/** The promise, or `late()` as its error after `milliseconds`. What comes after that is ignored. */
export function within<T>(milliseconds: number, promise: Promise<T>, late: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(late()), milliseconds);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** @throws PhoneError Cancelled */
export function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const paused = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  return cancellable(paused, signal).finally(() => clearTimeout(timer));
}

/** @throws PhoneError Cancelled */
export function checkNotCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw cancelled();
}

/** The promise, or PhoneError Cancelled as soon as the signal says so. What comes after that is ignored. */
export function cancellable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const cancel = () => reject(cancelled());
    if (signal.aborted) cancel();
    signal.addEventListener("abort", cancel);
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", cancel));
  });
}

function cancelled(): PhoneError {
  return new PhoneError("Cancelled", "cancelled by the person");
}
