import type { JobCollection, MediaProcessingJob } from '../../jobs/job.ts';
import {
  JOB_COLLECTION_NAMES,
  type JobDocument,
  jobFrom,
  mediaMetadataDocument,
  messageDocument,
  readRecord,
} from '../documents.ts';
import type { UnplacedJob } from '../job-records.ts';

/** Where a job that is not a dead letter may be, in the order in which it is looked for. */
export const LIVE: readonly JobCollection[] = ['active', 'holding'];

/** What ends a claim. */
export const UNCLAIMED = { claim_token: null, lease_expires_at: null } as const;

export const jobDocument = (job: UnplacedJob, round: number, seq: number): JobDocument => ({
  guid: job.guid,
  bot_id: job.correspondent.botId,
  provider_name: job.correspondent.providerName,
  correspondent_id: job.correspondent.correspondentId,
  placeholder_message: messageDocument(job.placeholder),
  mime_type: job.mimeType,
  pool: job.pool,
  original_filename: job.originalFilename,
  status: job.status,
  result: job.result,
  error: job.error,
  attempts: job.attempts,
  claim_token: job.claimToken,
  lease_expires_at: job.leaseExpiresAt,
  available_at: job.availableAt,
  round,
  seq,
  created_at: job.createdAt,
  changed_at: job.changedAt,
  staged_at: job.stagedAt,
  claimed_at: job.claimedAt,
  completed_at: job.completedAt,
  media_metadata: mediaMetadataDocument(job.media),
});

export const jobOfDocument = (document: JobDocument, collection: JobCollection): MediaProcessingJob =>
  readRecord(
    () => ({ collection: JOB_COLLECTION_NAMES[collection], key: document.guid }),
    () => jobFrom(document, collection),
  );
