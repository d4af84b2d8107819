import type { Clock } from './clock.ts';
import { isRetryable } from './errors.ts';
import { sleep } from './sleep.ts';

export interface BackOff {
  readonly clock: Clock;
  readonly firstMs: number;
  readonly longestMs: number;
  /** Ends the waiting, and with it the attempts. */
  readonly signal: AbortSignal;
  /** Told of each failure that is tried again. */
  readonly failed: (error: unknown, delayMs: number) => void;
}

/** Does `work` until it succeeds, waiting twice as long each time. Rejects with what is not retryable. */
export async function untilDone<T>(work: () => Promise<T>, backOff: BackOff): Promise<T> {
  for (let delayMs = backOff.firstMs; ; delayMs = Math.min(delayMs * 2, backOff.longestMs)) {
    try {
      return await work();
    } catch (error) {
      if (!isRetryable(error)) throw error;
      backOff.failed(error, delayMs);
      await sleep(backOff.clock, delayMs, backOff.signal);
    }
  }
}
