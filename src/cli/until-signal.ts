import { DragomanError, hasCode } from '../base/errors.ts';
import { DAY_MS } from '../base/units.ts';
import { EXIT } from './exit-codes.ts';

export type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

/**
 * Resolves at the first Ctrl-C or SIGTERM, or when the terminal is closed. A second Ctrl-C or SIGTERM ends the process at
 * once. Until then the process stays, though there may be nothing to wait for but a clock: timers of their own accord let it
 * end.
 */
export function untilSignal(): Promise<StopSignal> {
  const alive = setInterval(() => {}, DAY_MS);
  return new Promise((resolve) => {
    const stop = (signal: StopSignal): void => {
      clearInterval(alive);
      resolve(signal);
    };
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        process.once(signal, () => process.exit(EXIT.interrupted));
        stop(signal);
      });
    }
    // Kernel and shell may both tell that the terminal is closed: a second one is no hurry.
    process.on('SIGHUP', stop);
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
