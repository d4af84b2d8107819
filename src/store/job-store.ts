import type { Guid } from '../base/ids.ts';
import type { JobCollection, JobError, JobStatus, MediaProcessingJob } from '../jobs/job.ts';
import type { StagedMedia } from './message-store.ts';

/** What becomes of jobs besides work, as their files and their bots come and go; and who asks for them. */
export interface JobStore {
  /** The file is there, or is known never to come: the job becomes pending in its pool. `unknown`: no live job. */
  stage(guid: Guid, staged: StagedMedia, now: number): Promise<'pending' | 'already' | 'unknown'>;
  /** Ends a job whose placeholder is not in the journal: deleted, or moved to `failed` with `error`. False: no live job. */
  discardJob(guid: Guid, error: JobError | null, now: number): Promise<boolean>;
  /**
   * Completes an idle job with `error`, so that it is settled like any other. Null: it was changed since `changedAt`, is
   * leased or completed, or is no live job, and was left alone.
   */
  expireJob(idle: IdleJob, error: JobError, now: number): Promise<MediaProcessingJob | null>;
  /** All active jobs → holding; processing without a live lease → pending. Returns how many moved. */
  sweepToHolding(now: number): Promise<number>;
  /** The bot's active jobs → holding. */
  holdJobs(botId: string, now: number): Promise<number>;
  /** The bot's held jobs → active; processing without a live lease → pending; completed ones stay for the reaper. */
  promoteJobs(botId: string, now: number): Promise<number>;
  /**
   * Held jobs whose pool is not the one that `poolOf` gives their MIME type are moved there, as after a change of the
   * configuration; their state stays as it is. Returns how many.
   */
  rerouteHeldJobs(poolOf: (mimeType: string) => string): Promise<number>;
  /** A page of the bot's jobs in a collection, in seq order. A damaged one is logged and left out. */
  jobsOfBot(botId: string, page: BotJobsPage): Promise<BotJobs>;
  /** Those of `guids` that have a job, be it a failed one, at one point in time. */
  jobsAmong(guids: readonly Guid[]): Promise<readonly JobTrace[]>;
  /** Jobs of a collection, the newest first, a page at a time. A damaged one is logged and left out. */
  listJobs(query: JobQuery): Promise<JobPage>;
  /** Jobs by pool, collection and state, for logs and metrics. */
  countJobs(): Promise<readonly JobCount[]>;
  /** Tells `listener`, in the same way, of jobs that may have been completed by a worker of another process. */
  onCompleted(listener: (job: MediaProcessingJob) => void): void;
}

/** Which of a bot's jobs, after `afterSeq` and at most `limit` of them. */
export interface BotJobsPage {
  readonly collection: JobCollection;
  readonly statuses?: readonly JobStatus[];
  /** Only those whose last change of state or collection was before. */
  readonly changedBefore?: number;
  /** 0 for the first page. */
  readonly afterSeq: number;
  readonly limit: number;
}

export interface BotJobs {
  readonly jobs: readonly MediaProcessingJob[];
  /** Null: this was the last page. */
  readonly nextAfterSeq: number | null;
}

/** A job as it was seen when nobody worked on it. */
export interface IdleJob {
  readonly guid: Guid;
  readonly changedAt: number;
}

/** That a GUID has a job, where, and how far it is. */
export interface JobTrace {
  readonly guid: Guid;
  readonly collection: JobCollection;
  readonly status: JobStatus;
  readonly changedAt: number;
}

export interface JobCount {
  readonly pool: string | null;
  readonly collection: JobCollection;
  readonly status: JobStatus;
  readonly count: number;
  readonly oldestCreatedAt: number;
}

export interface JobQuery {
  readonly collection: JobCollection;
  readonly filter: {
    readonly botId?: string | undefined;
    readonly pool?: string | undefined;
    readonly status?: JobStatus | undefined;
  };
  /** Where the last page ended; null for the first. */
  readonly beforeSeq: number | null;
  /** At least 1. */
  readonly limit: number;
}

export interface JobPage {
  /** The newest first. */
  readonly jobs: readonly MediaProcessingJob[];
  /** `beforeSeq` of the next page; null when this is the last. */
  readonly nextBeforeSeq: number | null;
}
