import type { CorrespondentKey, JobError, MediaProcessingJob, ProcessingResult } from '../jobs/job.ts';
import type { MediaTimes } from '../queue/message.ts';
import { failureWords } from '../jobs/words.ts';

/** What became of a medium, durable on its job: the words for its place, and why they are not its content. */
export interface Completion {
  readonly correspondent: CorrespondentKey;
  readonly guid: string;
  /** The place that it is for: a failed job that is retried has the same GUID, and another place. */
  readonly place: number;
  readonly gatewayId: string;
  readonly words: string;
  readonly error: JobError | null;
  readonly times: MediaTimes;
}

/** `completedAt`: when `result` was made durable. */
export const completionOf = (
  job: MediaProcessingJob,
  result: ProcessingResult,
  completedAt: number,
): Completion => ({
  correspondent: job.correspondent,
  guid: job.guid,
  place: job.placeholder.id,
  gatewayId: job.media.gatewayId,
  words: result.words,
  error: result.kind === 'failure' ? result.error : null,
  times: { ...timesOf(job), completedAt },
});

/** The completion of a job that the store holds as completed. */
export const storedCompletion = (job: MediaProcessingJob): Completion => ({
  correspondent: job.correspondent,
  guid: job.guid,
  place: job.placeholder.id,
  gatewayId: job.media.gatewayId,
  words: job.result ?? failureWords(job.error?.code ?? 'failed', job.mimeType),
  error: job.error,
  times: timesOf(job),
});

const timesOf = ({ stagedAt, claimedAt, completedAt }: MediaProcessingJob): MediaTimes => ({
  stagedAt,
  claimedAt,
  completedAt,
});
