import type { UpdateFilter } from 'mongodb';
import type { Guid } from '../../../base/ids.ts';
import {
  type CorrespondentKey,
  JOB_COLLECTIONS,
  type JobCollection,
  type JobError,
  type MediaProcessingJob,
} from '../../../jobs/job.ts';
import { type JobDocument, chatKey, jobDocument } from '../../documents.ts';
import { claimablePool, type UnplacedJob } from '../../job-records.ts';
import { guidTaken } from '../../refusals.ts';
import type { ClaimHandle } from '../../work-store.ts';
import { SERVER_NOW } from '../collections.ts';
import { jobOfDocument, LIVE, UNCLAIMED } from '../job-document.ts';
import type { OwnerTransaction, Transaction, WorkTransaction } from '../transactions.ts';
import { announceArrival, takeRounds } from './turns.ts';
import { byClaims, ownedChat } from './writing.ts';

/** Before a job is claimable for the first time. */
export const NO_ROUND = 0;

export type FoundJob = JobDocument & { readonly collection: JobCollection };

/** Looks in one collection after the other, at one point in time: no job slips past while it is moved. */
export async function findJob(
  { collections: { jobs }, session }: Transaction,
  guid: Guid,
  among: readonly JobCollection[] = JOB_COLLECTIONS,
): Promise<FoundJob | null> {
  for (const collection of among) {
    const job = await jobs[collection].findOne({ guid }, { session });
    if (job !== null) return { ...job, collection };
  }
  return null;
}

export async function jobByGuid(transaction: Transaction, guid: Guid): Promise<MediaProcessingJob | null> {
  const found = await findJob(transaction, guid);
  return found && jobOfDocument(found, found.collection);
}

/** Those of `guids` that have a live job, by GUID. */
export async function liveJobsAmong(
  { collections: { jobs }, session }: Transaction,
  guids: readonly Guid[],
): Promise<ReadonlyMap<Guid, FoundJob>> {
  const found = new Map<Guid, FoundJob>();
  for (const collection of LIVE) {
    const cursor = jobs[collection].find({ guid: { $in: guids } }, { session });
    for (const job of await cursor.toArray()) found.set(job.guid, { ...job, collection });
  }
  return found;
}

export async function hasLiveJob(
  transaction: Transaction,
  key: CorrespondentKey,
  guid: Guid,
): Promise<boolean> {
  const job = await findJob(transaction, guid, LIVE);
  return (
    job?.bot_id === key.botId &&
    job.provider_name === key.providerName &&
    job.correspondent_id === key.correspondentId
  );
}

/** S4: a GUID that has a job anywhere is refused. */
export async function insertJob(transaction: OwnerTransaction, job: UnplacedJob, seq: number): Promise<void> {
  const { collections, session } = transaction;
  const { guid, collection, correspondent } = job;
  if ((await findJob(transaction, guid)) !== null) throw guidTaken(guid);
  const pool = claimablePool(job);
  const [round = NO_ROUND] = await takeRounds(transaction, pool === null ? [] : [{ pool, ...correspondent }]);
  await collections.jobs[collection].insertOne(jobDocument(job, round, seq), { session });
}

/** Deletes a live job, or keeps it as failed when there is an error. Failed jobs stay. */
export async function endJob(
  { collections: { jobs }, session }: OwnerTransaction,
  guid: Guid,
  error: JobError | null,
  now: number,
): Promise<boolean> {
  for (const collection of LIVE) {
    const job = await jobs[collection].findOneAndDelete({ guid }, { session });
    if (job === null) continue;
    if (error !== null) await jobs.failed.insertOne(failedJob(job, error, now), { session });
    return true;
  }
  return false;
}

export const failedJob = <Job extends JobDocument>(job: Job, error: JobError, now: number): Job => ({
  ...job,
  ...UNCLAIMED,
  status: 'completed',
  error,
  available_at: null,
  changed_at: now,
});

/** S2: by the owner of the job's chat, in whose queue it was not found. */
export async function discardJob(
  transaction: Transaction,
  guid: Guid,
  error: JobError | null,
  now: number,
): Promise<boolean> {
  const job = await findJob(transaction, guid, LIVE);
  if (job === null) return false;
  const { owned } = await ownedChat(transaction, chatKey(job));
  return endJob(owned, guid, error, now);
}

/** What is written on a claimed job. */
export type ClaimChange = UpdateFilter<JobDocument> | object[];

/** `leaseMs`: from the server's now on. */
export const prolongation = (leaseMs: number): ClaimChange => [
  { $set: { lease_expires_at: { $add: [SERVER_NOW, leaseMs] } } },
];

export interface Result {
  readonly words: string;
  /** Null: the words are the medium's own. */
  readonly error: JobError | null;
}

export const completion = ({ words, error }: Result, now: number): ClaimChange => ({
  $set: { ...UNCLAIMED, status: 'completed', result: words, error, completed_at: now, changed_at: now },
  $inc: { attempts: error === null ? 0 : 1 },
});

/** `delayMs`: from the server's now on. */
export const postponement = (delayMs: number, error: JobError, now: number): ClaimChange => [
  {
    $set: {
      ...UNCLAIMED,
      status: 'waiting',
      available_at: { $add: [SERVER_NOW, delayMs] },
      attempts: { $add: ['$attempts', 1] },
      // Its words are not an expression, though they may begin like one.
      error: { $literal: error },
      changed_at: now,
    },
  },
];

export async function release(transaction: Transaction, handle: ClaimHandle, now: number): Promise<boolean> {
  const work = byClaims(transaction);
  const released = await changeClaimed(work, handle, {
    $set: { ...UNCLAIMED, status: 'pending', changed_at: now },
  });
  if (released === null) return false;
  await announceGivenBack(work, released);
  return true;
}

/** A job that is pending again keeps its round; its pool is told, unless the job is held. Returns the pool it is claimable in. */
export async function announceGivenBack(
  transaction: WorkTransaction,
  { collection, pool, bot_id: botId }: FoundJob,
): Promise<string | null> {
  if (collection !== 'active' || pool === null) return null;
  await announceArrival(transaction, pool, botId);
  return pool;
}

/** S5: changes the job that has this claim token, wherever it is, and returns it; null when the token is stale. */
export async function changeClaimed(
  { collections: { jobs }, session }: WorkTransaction,
  { guid, claimToken }: ClaimHandle,
  change: ClaimChange,
): Promise<FoundJob | null> {
  for (const collection of LIVE) {
    const job = await jobs[collection].findOneAndUpdate({ guid, claim_token: claimToken }, change, {
      session,
      returnDocument: 'after',
    });
    if (job !== null) return { ...job, collection };
  }
  return null;
}
