import type { Clock } from '../base/clock.ts';
import { DragomanError } from '../base/errors.ts';

/** A signal that aborts by itself; disposing of it withdraws the timer. */
export interface Deadline extends Disposable {
  readonly signal: AbortSignal;
}

/** A signal that aborts with `deadline_exceeded`, `delayMs` from now. */
export function deadline(clock: Clock, delayMs: number): Deadline {
  const controller = new AbortController();
  const timer = clock.schedule(delayMs, () => {
    controller.abort(new DragomanError('deadline_exceeded', `expected an end within ${delayMs} ms`));
  });
  return { signal: controller.signal, [Symbol.dispose]: () => timer.cancel() };
}

/**
 * Waits for `work` until `signal` aborts, then rejects with the signal's reason. Work that ignores its own signal is
 * left to itself: what becomes of it is nobody's concern any more.
 */
export async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** Resolves `delayMs` from now; rejects with the signal's reason as soon as that aborts. */
export async function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  const over = Promise.withResolvers<void>();
  const timer = clock.schedule(delayMs, over.resolve);
  try {
    await untilAborted(over.promise, signal);
  } finally {
    timer.cancel();
  }
}
