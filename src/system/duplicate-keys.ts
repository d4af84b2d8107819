import type { Clock, Timer } from '../base/clock.ts';
import { repeat } from '../base/deadlines.ts';
import { describeError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { DAY_MS, HOUR_MS } from '../base/units.ts';
import type { MessageStore } from '../store/message-store.ts';

export interface DuplicateKeysOptions {
  readonly store: Pick<MessageStore, 'pruneMessageIds'>;
  /** How long a message that comes again is known for a duplicate. */
  readonly dedupeDays: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Forgets the keys of messages that grew too old to come again: now, and every hour until cancelled. */
export function pruneDuplicateKeys({ store, dedupeDays, clock, log }: DuplicateKeysOptions): Timer {
  const prune = async (): Promise<void> => {
    try {
      const forgotten = await store.pruneMessageIds(clock.now() - dedupeDays * DAY_MS);
      if (forgotten > 0) log.info({ forgotten }, 'old duplicate keys forgotten');
    } catch (error) {
      log.warn({ reason: describeError(error) }, 'old duplicate keys could not be forgotten');
    }
  };
  void prune();
  return repeat(clock, HOUR_MS, () => void prune());
}
