import { DragomanError, hasCode } from '../base/errors.ts';
import { DAY_MS } from '../base/units.ts';

export type StopSignal = 'SIGINT' | 'SIGTERM';

/**
 * Resolves at the first Ctrl-C or SIGTERM. A second one ends the process at once. Until then the process stays, though
 * there may be nothing to wait for but a clock: timers of their own accord let it end.
 */
export function untilSignal(): Promise<StopSignal> {
  const alive = setInterval(() => {}, DAY_MS);
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        clearInterval(alive);
        process.once(signal, () => process.exit(1));
        resolve(signal);
      });
    }
  });
}

/** Aborts with `aborted` when it was asked to stop: what is waited for, such as a store, nobody needs any more. */
export function abortedBy(stopRequested: Promise<StopSignal>): AbortSignal {
  const waiting = new AbortController();
  void stopRequested.then(() => waiting.abort(new DragomanError('aborted', 'the waiting was ended')));
  return waiting.signal;
}

/** Of what the signal of `abortedBy` ended. Throws any other error. */
export function nullIfAborted(error: unknown): null {
  if (hasCode(error, 'aborted')) return null;
  throw error;
}
