import { DragomanError } from '../base/errors.ts';
import type { ClaimedJob, JobError, MediaProcessingJob } from '../jobs/job.ts';
import { isPlaceholder, type Placeholder } from '../queue/message.ts';
import type { Acceptance, NewJob } from './message-store.ts';

/** A job as it is born: its place among the others is the store's to give. */
export type UnplacedJob = Omit<MediaProcessingJob, 'round' | 'seq'>;

/**
 * The job that an accepted message brings with it, or null for a text.
 * Rejects (`invariant_broken`) a placeholder without a live job, and a live job without its placeholder: S4.
 */
export function jobOfAcceptance(acceptance: Acceptance): UnplacedJob | null {
  const { message, job, correspondent } = acceptance;
  if (job === null) {
    if (isPlaceholder(message)) throw mismatch(message.id, 'a placeholder without a job');
    return null;
  }
  return {
    guid: job.guid,
    correspondent,
    placeholder: placeholderOf(acceptance, job),
    originalFilename: job.originalFilename,
    result: null,
    attempts: 0,
    claimToken: null,
    leaseExpiresAt: null,
    availableAt: null,
    stagedAt: job.start.kind === 'staged' ? message.acceptedTime : null,
    claimedAt: null,
    completedAt: null,
    createdAt: message.acceptedTime,
    changedAt: message.acceptedTime,
    ...startOf(job),
  };
}

function placeholderOf({ message }: Acceptance, job: NewJob): Placeholder {
  if (job.start.kind === 'failed') return job.start.placeholder;
  if (isPlaceholder(message) && message.mediaProcessingId === job.guid) return message;
  throw mismatch(message.id, `a live job ${job.guid} without its placeholder`);
}

type Start = Pick<UnplacedJob, 'collection' | 'status' | 'mimeType' | 'pool' | 'error' | 'media'>;

function startOf(job: NewJob): Start {
  const unknownMedia = {
    bytes: null,
    sha256: null,
    quotaExceeded: false,
    corruptReason: null,
    gatewayId: job.gatewayId,
  };
  const unstaged = { mimeType: job.mimeType, pool: null, media: unknownMedia };
  const { start, collection } = job;
  if (start.kind === 'failed') {
    return { ...unstaged, collection: 'failed', status: 'completed', error: start.error };
  }
  if (start.kind === 'downloading') return { ...unstaged, collection, status: 'downloading', error: null };
  return { ...start.media, collection, status: 'pending', error: null };
}

const mismatch = (messageId: number, got: string): DragomanError =>
  new DragomanError('invariant_broken', `expected message ${messageId} and its job to match, got ${got}`);

/** The pool in which a job may be claimed as it is; null when it may not be. */
export const claimablePool = ({
  status,
  collection,
  pool,
}: Pick<UnplacedJob, 'status' | 'collection' | 'pool'>): string | null =>
  status === 'pending' && collection === 'active' ? pool : null;

/** The error of a job whose every attempt ended with its worker. */
export const POISON: JobError = {
  code: 'worker_died',
  reason: 'the worker died in every attempt',
  stack: null,
};

/** Narrows a job that the store has just given a claim; throws `invariant_broken` for any other. */
export function claimedJob(job: MediaProcessingJob): ClaimedJob {
  const { status, claimToken, leaseExpiresAt, pool } = job;
  if (status !== 'processing' || claimToken === null || leaseExpiresAt === null || pool === null) {
    throw new DragomanError('invariant_broken', `expected a claimed job, got ${job.guid} ${status}`);
  }
  return { ...job, status, claimToken, leaseExpiresAt, pool };
}
