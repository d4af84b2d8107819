import type { Clock } from '../../base/clock.ts';
import { DragomanError } from '../../base/errors.ts';

/**
 * Settles as `work` does, or rejects with `deadline_exceeded` after `deadlineMs`. The work itself is not ended: what it
 * does later is unheard.
 */
export function within<T>(clock: Clock, deadlineMs: number, what: string, work: T | Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = clock.schedule(deadlineMs, () => {
      reject(new DragomanError('deadline_exceeded', `expected ${what} within ${deadlineMs} ms`));
    });
    Promise.resolve(work)
      .finally(() => timer.cancel())
      .then(resolve, reject);
  });
}
