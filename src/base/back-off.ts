import type { Clock } from './clock.ts';
import { pause } from './deadlines.ts';
import { DragomanError, isRetryable } from './errors.ts';

export interface BackOff {
  readonly clock: Clock;
  readonly firstMs: number;
  readonly longestMs: number;
  /** Ends the waiting, and with it the attempts. */
  readonly signal: AbortSignal;
  /** Told of each failure that is tried again. */
  readonly failed: (error: unknown, delayMs: number) => void;
}

/** The wait after so many failures before the last one: it doubles with each. */
export const backOffMs = (firstMs: number, failures: number, longestMs: number): number =>
  Math.min(firstMs * 2 ** failures, longestMs);

/**
 * Equal jitter (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/): between half of the delay and
 * all of it, so that many who failed together do not come back together. `random`: in [0, 1).
 */
export const jittered = (delayMs: number, random: number): number => delayMs * (0.5 + random / 2);

/**
 * Does `work` until it succeeds, waiting twice as long each time. Rejects with what is not retryable, and with `aborted`,
 * whose cause is the last failure, when the signal aborts.
 */
export async function untilDone<T>(work: () => Promise<T>, backOff: BackOff): Promise<T> {
  const { clock, firstMs, longestMs, signal, failed } = backOff;
  for (let delayMs = firstMs; ; delayMs = Math.min(delayMs * 2, longestMs)) {
    try {
      return await work();
    } catch (error) {
      if (!isRetryable(error)) throw error;
      failed(error, delayMs);
      await pause(clock, delayMs, signal).catch(() => {
        throw new DragomanError('aborted', 'the attempts were given up', { cause: error });
      });
    }
  }
}
