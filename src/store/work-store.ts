import type { Guid } from '../base/ids.ts';
import type { ClaimedJob, JobError, MediaProcessingJob, ProcessingResult } from '../jobs/job.ts';

/** What a worker does to jobs, of whichever bot: it writes to no chat. */
export interface WorkStore {
  /** Takes the next job of a pool by the fairness rule (src/jobs/fairness.ts), or null when none may be taken. */
  claim(request: ClaimRequest): Promise<ClaimedJob | null>;
  /** Prolongs a lease. False: the token is stale, stop working. */
  heartbeat(claim: ClaimHandle, leaseExpiresAt: number): Promise<boolean>;
  /** The worker's last act. False: the token is stale, nothing was written. */
  complete(claim: ClaimHandle, result: ProcessingResult, now: number): Promise<boolean>;
  /** Gives a job back untried: no attempt is counted, round and seq are kept. */
  release(claim: ClaimHandle, now: number): Promise<boolean>;
  /** Counts an attempt and puts the job in `waiting` until `availableAt`, or for so long from `now` on by the store's clock. */
  postpone(claim: ClaimHandle, availableAt: number, error: JobError, now: number): Promise<boolean>;
  /**
   * Waiting jobs that are due and processing jobs whose lease ended become pending; a lapsed lease counts as an
   * attempt. A job that has used up `maxAttempts` is completed with `worker_died` instead. Works on all bots.
   * A damaged job is logged and left out of what is returned.
   */
  reviveJobs(now: number, maxAttempts: number): Promise<RevivedJobs>;
  jobByGuid(guid: Guid): Promise<MediaProcessingJob | null>;
  /**
   * Tells `listener`, until the store is closed, of each pool in which a job may have become claimable by `accept`, `stage`
   * or `retryFailedJob`, whichever process made the call. Where one process has the store to itself, it may be told while
   * the call is on its way: a claim that is made at once shares its transaction.
   */
  onClaimable(listener: (pool: string) => void): void;
}

export interface ClaimRequest {
  readonly pool: string;
  readonly now: number;
  readonly leaseMs: number;
  /** Bots at this process's in-flight cap: not to be served now. */
  readonly cappedBots: readonly string[];
}

export interface ClaimHandle {
  readonly guid: Guid;
  readonly claimToken: string;
}

export interface RevivedJobs {
  /** Pools that have claimable work again. */
  readonly pools: readonly string[];
  /** Jobs that are completed now, because every attempt killed its worker. */
  readonly poisoned: readonly MediaProcessingJob[];
  /** When the next waiting job or lease is due; null when there is none. */
  readonly nextDueAt: number | null;
}
