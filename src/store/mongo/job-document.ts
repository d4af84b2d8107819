import type { JobCollection, MediaProcessingJob } from '../../jobs/job.ts';
import { type JobDocument, jobFrom } from '../documents.ts';
import { jobRecord, readRecord } from '../records.ts';

/** Where a job that has not failed may be, in the order in which it is looked for. */
export const LIVE: readonly JobCollection[] = ['active', 'holding'];

/** What ends a claim. */
export const UNCLAIMED = { claim_token: null, lease_expires_at: null } as const;

export const jobOfDocument = (document: JobDocument, collection: JobCollection): MediaProcessingJob =>
  readRecord(jobRecord(collection, document.guid), () => jobFrom(document, collection));
