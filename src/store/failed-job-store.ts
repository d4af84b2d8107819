import type { Guid } from '../base/ids.ts';
import type { CorrespondentKey } from '../jobs/job.ts';
import type { Placeholder } from '../queue/message.ts';

/** What a person does about jobs that ended in failure. */
export interface FailedJobStore {
  /** Forgets a failed job. */
  dropFailedJob(guid: Guid): Promise<'dropped' | FailedJobProblem>;
  /**
   * Gives a failed job another life: its placeholder takes a place of its own in the journal, with what that evicts,
   * and the job is pending again, without attempts, result and error.
   */
  retryFailedJob(retry: JobRetry): Promise<'retried' | FailedJobProblem>;
}

/** `not_failed`: the job is alive. */
export type FailedJobProblem = 'not_found' | 'not_failed';

export interface JobRetry {
  readonly correspondent: CorrespondentKey;
  /** With the next id of the chat, and the job's GUID. */
  readonly placeholder: Placeholder;
  readonly evictedIds: readonly number[];
  readonly mimeType: string;
  readonly pool: string;
  /** `holding` while the bot is not connected. */
  readonly collection: 'active' | 'holding';
}
