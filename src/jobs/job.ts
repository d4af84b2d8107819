import type { Guid } from '../base/ids.ts';
import type { MediaTimes, Placeholder } from '../queue/message.ts';

/** One chat of one bot, as every collection names it. */
export interface CorrespondentKey {
  readonly botId: string;
  readonly providerName: string;
  readonly correspondentId: string;
}

/**
 * `downloading` → `pending` → `processing` → `completed`, and `waiting` between two attempts.
 * Only `pending` jobs are claimed; a completed one waits for its bot's owner to settle it.
 */
export const JOB_STATUSES = ['downloading', 'pending', 'waiting', 'processing', 'completed'] as const;
export type JobStatus = (typeof JOB_STATUSES)[number];

/** `active`: its bot is connected. `holding`: its bot is stopped. `failed`: it ended without words, and is kept until it is retried or dropped. */
export const JOB_COLLECTIONS = ['active', 'holding', 'failed'] as const;
export type JobCollection = (typeof JOB_COLLECTIONS)[number];

/** Why a medium did not become words. */
export type JobFailureCode =
  | 'corrupt'
  | 'unsupported'
  | 'timed_out'
  | 'failed'
  | 'too_many_pending'
  | 'stale'
  | 'worker_died'
  | 'orphaned';

export interface JobError {
  readonly code: JobFailureCode;
  readonly reason: string;
  readonly stack: string | null;
}

export interface MediaMetadata {
  readonly bytes: number | null;
  readonly sha256: string | null;
  readonly quotaExceeded: boolean;
  /** Why the gateway could not get the file; null when it could. */
  readonly corruptReason: string | null;
  /** The gateway that holds the file. */
  readonly gatewayId: string;
}

/** The durable record of one media file to turn into words. Times are epoch milliseconds. */
export interface MediaProcessingJob extends MediaTimes {
  readonly guid: Guid;
  readonly correspondent: CorrespondentKey;
  readonly placeholder: Placeholder;
  readonly collection: JobCollection;
  readonly status: JobStatus;
  readonly mimeType: string;
  /** The pool's name; null until the job first becomes pending. */
  readonly pool: string | null;
  readonly originalFilename: string | null;
  /** The words, without brackets or caption; for a failure, what the chat is told. Null until completed. */
  readonly result: string | null;
  readonly error: JobError | null;
  /** Attempts that ended without a result. */
  readonly attempts: number;
  readonly claimToken: string | null;
  readonly leaseExpiresAt: number | null;
  /** When a `waiting` job may be tried again. */
  readonly availableAt: number | null;
  /** Its turn among its bot's chats. */
  readonly round: number;
  /** Arrival order, unique in the store. */
  readonly seq: number;
  readonly createdAt: number;
  readonly changedAt: number;
  readonly media: MediaMetadata;
}

/** What a worker got for its claim: the job, and the token that proves it. */
export type ClaimedJob = MediaProcessingJob & {
  readonly status: 'processing';
  readonly claimToken: string;
  readonly leaseExpiresAt: number;
  readonly pool: string;
};

/** What a worker leaves on its job: words, or a failure with the words that the chat is told instead. */
export type ProcessingResult =
  | { readonly kind: 'words'; readonly words: string }
  | { readonly kind: 'failure'; readonly words: string; readonly error: JobError };
