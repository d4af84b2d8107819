import type { Clock, Timer } from './clock.ts';
import { DragomanError } from './errors.ts';

/** A signal that aborts by itself; disposing of it withdraws the timer. */
export interface Deadline extends Disposable {
  readonly signal: AbortSignal;
}

/** A signal that aborts with `deadline_exceeded`, `delayMs` from now. */
export function deadline(clock: Clock, delayMs: number, what = 'an end'): Deadline {
  const controller = new AbortController();
  const timer = clock.schedule(delayMs, () => {
    controller.abort(new DragomanError('deadline_exceeded', `expected ${what} within ${delayMs} ms`));
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

/**
 * Settles as `work` does, or rejects with `deadline_exceeded` after `deadlineMs`. The work itself is not ended: what it
 * does later is unheard.
 */
export async function within<T>(
  clock: Clock,
  deadlineMs: number,
  what: string,
  work: T | Promise<T>,
): Promise<T> {
  using limit = deadline(clock, deadlineMs, what);
  return await untilAborted(Promise.resolve(work), limit.signal);
}

/**
 * Runs `work` with a signal that aborts after `deadlineMs`, or when `outer` does. Settles by then even if the work does
 * not: rejects with `deadline_exceeded`, or with the reason of `outer`.
 */
export async function withDeadline<T>(
  clock: Clock,
  deadlineMs: number,
  work: (signal: AbortSignal) => Promise<T>,
  outer?: AbortSignal,
): Promise<T> {
  using limit = deadline(clock, deadlineMs);
  const signal = outer === undefined ? limit.signal : AbortSignal.any([limit.signal, outer]);
  return await untilAborted(work(signal), signal);
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

/** Runs `task` every `periodMs` until cancelled. */
export function repeat(clock: Clock, periodMs: number, task: () => void): Timer {
  const next = (): Timer =>
    clock.schedule(periodMs, () => {
      timer = next();
      task();
    });
  let timer = next();
  return { cancel: () => timer.cancel() };
}
