import type { Clock, Timer } from '../base/clock.ts';
import { DragomanError } from '../base/errors.ts';

/** Resolves after `delayMs`, or as soon as `signal` aborts. */
export function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      timer.cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = clock.schedule(delayMs, end);
    signal.addEventListener('abort', end, { once: true });
  });
}

/**
 * Runs `work` with a signal that aborts `afterMs` from now, or when `outer` does. Settles by then even if the work
 * does not: rejects with `deadline_exceeded`, or `aborted`.
 */
export async function withDeadline<T>(
  clock: Clock,
  afterMs: number,
  work: (signal: AbortSignal) => Promise<T>,
  outer?: AbortSignal,
): Promise<T> {
  const controller = new AbortController();
  const ended = Promise.withResolvers<never>();
  const end = (error: DragomanError): void => {
    controller.abort(error);
    ended.reject(error);
  };
  const withdraw = (): void => end(new DragomanError('aborted', 'withdrawn by the caller'));
  const timer = clock.schedule(afterMs, () =>
    end(new DragomanError('deadline_exceeded', `expected an end within ${afterMs} ms`)),
  );
  outer?.addEventListener('abort', withdraw, { once: true });
  if (outer?.aborted === true) withdraw();
  try {
    return await Promise.race([work(controller.signal), ended.promise]);
  } finally {
    timer.cancel();
    outer?.removeEventListener('abort', withdraw);
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
