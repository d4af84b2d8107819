import type { Clock } from '../base/clock.ts';
import { deadline, pause, untilAborted } from '../base/deadlines.ts';
import { describeError, hasCode, isRetryable } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { MediaProcessingJob } from '../jobs/job.ts';
import type { ClaimHandle, WorkStore } from '../store/work-store.ts';

/** One write under a claim token, which it spends. */
export interface ClaimWrite<Done extends string> {
  /** `stale`: the token is, nothing was written. */
  write(): Promise<Done | 'stale'>;
  /** The outcome of the `write` that the stored job shows; `stale`: none of it. Null: there is no such job any more. */
  seenOn(stored: MediaProcessingJob | null): Done | 'stale';
}

export interface PersistOptions {
  readonly store: Pick<WorkStore, 'jobByGuid'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** How long to go on trying. */
  readonly deadlineMs: number;
}

export type Persisted<Done extends string> = Done | 'stale' | 'unreachable';

const PAUSE_MS = 1_000;

/**
 * Writes, and while the store cannot be reached writes again, until the deadline. Rejects with errors of the store
 * that no repetition cures.
 *
 * A try that failed may have been written all the same, and has then spent its own token. So a stale token after a
 * failed try proves nothing, and the stored job decides.
 */
export async function persist<Done extends string>(
  claim: ClaimHandle,
  write: ClaimWrite<Done>,
  options: PersistOptions,
): Promise<Persisted<Done>> {
  const { store, clock, log, deadlineMs } = options;
  using limit = deadline(clock, deadlineMs);
  let mayBeWritten = false;
  const tryOnce = async (): Promise<Done | 'stale'> => {
    const outcome = await write.write();
    return outcome === 'stale' && mayBeWritten ? write.seenOn(await store.jobByGuid(claim.guid)) : outcome;
  };
  do {
    try {
      return await untilAborted(tryOnce(), limit.signal);
    } catch (error) {
      if (hasCode(error, 'fenced')) return 'stale';
      if (!isRetryable(error)) throw error;
      mayBeWritten = true;
      log.warn({ guid: claim.guid, err: describeError(error) }, 'the store did not take a job’s outcome');
    }
    await pause(clock, PAUSE_MS, limit.signal).catch(() => undefined);
  } while (!limit.signal.aborted);
  return 'unreachable';
}
