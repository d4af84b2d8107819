import type { Clock } from '../base/clock.ts';
import { deadline, pause, untilAborted } from '../base/deadlines.ts';
import { describeError, hasCode, isRetryable } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { MediaProcessingJob } from '../jobs/job.ts';
import type { ClaimHandle, WorkStore } from '../store/work-store.ts';

/** One write under a claim token, which it spends. */
export interface ClaimWrite {
  /** False: the token is stale, nothing was written. */
  write(): Promise<boolean>;
  /** Whether the job, as it is stored, shows that `write` has happened. Null: there is no such job any more. */
  isWritten(stored: MediaProcessingJob | null): boolean;
}

export interface PersistOptions {
  readonly store: Pick<WorkStore, 'jobByGuid'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** How long to go on trying. */
  readonly deadlineMs: number;
}

export type Persisted = 'written' | 'stale' | 'unreachable';

const PAUSE_MS = 1_000;

/**
 * Writes, and while the store cannot be reached writes again, until the deadline. Rejects with errors of the store
 * that no repetition cures.
 *
 * A try that failed may have been written all the same, and has then spent its own token. So a stale token after a
 * failed try proves nothing, and the stored job decides.
 */
export async function persist(
  claim: ClaimHandle,
  write: ClaimWrite,
  options: PersistOptions,
): Promise<Persisted> {
  const { store, clock, log, deadlineMs } = options;
  using limit = deadline(clock, deadlineMs);
  let mayBeWritten = false;
  const tryOnce = async (): Promise<Persisted> => {
    if (await write.write()) return 'written';
    return mayBeWritten && write.isWritten(await store.jobByGuid(claim.guid)) ? 'written' : 'stale';
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
