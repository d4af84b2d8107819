import type { ClaimedJob, MediaProcessingJob, ProcessingResult } from '../jobs/job.ts';
import type { WorkStore } from '../store/work-store.ts';

/** What a job's worker needs of the store, once it has the job. */
export interface JobLedger extends Pick<WorkStore, 'heartbeat' | 'release' | 'postpone' | 'jobByGuid'> {
  /** The worker's last act. `stale`: its token is, nothing was written. */
  complete(job: ClaimedJob, result: ProcessingResult, now: number): Promise<Kept | 'stale'>;
}

/** `completed`: on the job, to be settled by the owner of its chat. `settled`: that owner has done it already. */
export type Kept = 'completed' | 'settled';

/** What became of `result` by what is stored of its job, null if that is gone, where nobody knows whether it was kept. */
export function keptOn(stored: MediaProcessingJob | null, result: ProcessingResult): Kept | 'stale' {
  // A job ends when it is settled.
  if (stored === null) return 'settled';
  if (stored.result !== result.words) return 'stale';
  return stored.collection === 'failed' ? 'settled' : 'completed';
}

/** That of a worker which is not with the chats' owner. */
export const ledgerOf = (store: WorkStore): JobLedger => ({
  heartbeat: (claim, leaseExpiresAt) => store.heartbeat(claim, leaseExpiresAt),
  release: (claim, now) => store.release(claim, now),
  postpone: (claim, availableAt, error, now) => store.postpone(claim, availableAt, error, now),
  jobByGuid: (guid) => store.jobByGuid(guid),
  complete: async (job, result, now) => ((await store.complete(job, result, now)) ? 'completed' : 'stale'),
});
