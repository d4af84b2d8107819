import { randomUUID } from 'node:crypto';
import type { UpdateFilter } from 'mongodb';
import { DragomanError } from '../../../base/errors.ts';
import type { Guid } from '../../../base/ids.ts';
import type {
  ClaimedJob,
  CorrespondentKey,
  JobCollection,
  JobError,
  MediaProcessingJob,
  ProcessingResult,
} from '../../../jobs/job.ts';
import { type JobDocument, mediaMetadataDocument } from '../../documents.ts';
import { claimedJob, type UnplacedJob } from '../../job-records.ts';
import type { StagedMedia } from '../../message-store.ts';
import type { ClaimHandle, ClaimRequest } from '../../work-store.ts';
import { chatKey, SERVER_NOW } from '../collections.ts';
import { jobDocument, jobOfDocument, LIVE, UNCLAIMED } from '../job-document.ts';
import type { Transaction } from '../transactions.ts';
import { ownedChat } from './owned-chat.ts';
import { announceArrival, takeRound, takeTurn } from './turns.ts';

/** Before a job is claimable for the first time. */
export const NO_ROUND = 0;

const ANYWHERE: readonly JobCollection[] = [...LIVE, 'failed'];

type FoundJob = JobDocument & { readonly collection: JobCollection };

/** Looks in one collection after the other, at one point in time: no job slips past while it is moved. */
export async function findJob(
  { collections: { jobs }, session }: Transaction,
  guid: Guid,
  among: readonly JobCollection[] = ANYWHERE,
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
export async function insertJob(transaction: Transaction, job: UnplacedJob, seq: number): Promise<void> {
  const { collections, session } = transaction;
  const { guid, collection, status, pool, correspondent } = job;
  if ((await findJob(transaction, guid)) !== null) {
    throw new DragomanError('invariant_broken', `expected a new GUID, got that of job ${guid}`);
  }
  const isClaimable = status === 'pending' && collection === 'active' && pool !== null;
  const round = isClaimable ? await takeRound(transaction, { pool, ...correspondent }) : NO_ROUND;
  await collections.jobs[collection].insertOne(jobDocument(job, round, seq), { session });
}

/** Deletes a live job, or makes it a dead letter when there is an error. Dead letters stay. */
export async function endJob(
  { collections: { jobs }, session }: Transaction,
  guid: Guid,
  error: JobError | null,
  now: number,
): Promise<boolean> {
  for (const collection of LIVE) {
    const job = await jobs[collection].findOneAndDelete({ guid }, { session });
    if (job === null) continue;
    if (error !== null) {
      const ended = { status: 'completed', error, available_at: null, changed_at: now } as const;
      await jobs.failed.insertOne({ ...job, ...UNCLAIMED, ...ended }, { session });
    }
    return true;
  }
  return false;
}

/** S2: by the owner of the job's chat, in whose queue it was not found. */
export async function discardJob(
  transaction: Transaction,
  guid: Guid,
  error: JobError | null,
  now: number,
): Promise<boolean> {
  const job = await findJob(transaction, guid, LIVE);
  if (job === null) return false;
  await ownedChat(transaction, chatKey(job));
  return endJob(transaction, guid, error, now);
}

export async function stage(
  transaction: Transaction,
  guid: Guid,
  { mimeType, pool, media }: StagedMedia,
  now: number,
): Promise<'pending' | 'already' | 'unknown'> {
  const { collections, session } = transaction;
  const job = await findJob(transaction, guid, LIVE);
  if (job === null) return 'unknown';
  if (job.status !== 'downloading') return 'already';
  const contender = { pool, botId: job.bot_id, correspondentId: job.correspondent_id };
  const round = job.collection === 'active' ? await takeRound(transaction, contender) : NO_ROUND;
  await collections.jobs[job.collection].updateOne(
    { guid },
    {
      $set: {
        status: 'pending',
        pool,
        round,
        mime_type: mimeType,
        media_metadata: mediaMetadataDocument(media),
        staged_at: now,
        changed_at: now,
      },
    },
    { session },
  );
  return 'pending';
}

/** `turn`: the one that the bot was given, for the next claim in this pool. */
export interface Claim {
  readonly job: ClaimedJob;
  readonly turn: number;
}

export async function claim(
  transaction: Transaction,
  { pool, now, leaseMs, cappedBots }: ClaimRequest,
  latestTurn: number,
): Promise<Claim | null> {
  const { collections, session } = transaction;
  const next = await takeTurn(transaction, pool, cappedBots, latestTurn);
  if (next === null) return null;
  const { job, turn } = next;
  const claimed = await collections.jobs.active.findOneAndUpdate(
    { guid: job.guid },
    [
      {
        $set: {
          status: 'processing',
          claim_token: randomUUID(),
          lease_expires_at: { $add: [SERVER_NOW, leaseMs] },
          claimed_at: now,
          changed_at: now,
        },
      },
    ],
    { session, returnDocument: 'after' },
  );
  return claimed && { job: claimedJob(jobOfDocument(claimed, 'active')), turn };
}

/** `leaseMs`: from the server's now on. */
export const heartbeat = async (
  transaction: Transaction,
  handle: ClaimHandle,
  leaseMs: number,
): Promise<boolean> => {
  const lease = [{ $set: { lease_expires_at: { $add: [SERVER_NOW, leaseMs] } } }];
  return (await changeClaimed(transaction, handle, lease)) !== null;
};

export async function complete(
  transaction: Transaction,
  handle: ClaimHandle,
  result: ProcessingResult,
  now: number,
): Promise<boolean> {
  const error = result.kind === 'failure' ? result.error : null;
  const completed = await changeClaimed(transaction, handle, {
    $set: {
      ...UNCLAIMED,
      status: 'completed',
      result: result.words,
      error,
      completed_at: now,
      changed_at: now,
    },
    $inc: { attempts: error === null ? 0 : 1 },
  });
  return completed !== null;
}

export async function release(transaction: Transaction, handle: ClaimHandle, now: number): Promise<boolean> {
  const released = await changeClaimed(transaction, handle, {
    $set: { ...UNCLAIMED, status: 'pending', changed_at: now },
  });
  if (released === null) return false;
  await announceGivenBack(transaction, released);
  return true;
}

export async function postpone(
  transaction: Transaction,
  handle: ClaimHandle,
  availableAt: number,
  error: JobError,
  now: number,
): Promise<boolean> {
  const postponed = await changeClaimed(transaction, handle, {
    $set: { ...UNCLAIMED, status: 'waiting', available_at: availableAt, error, changed_at: now },
    $inc: { attempts: 1 },
  });
  return postponed !== null;
}

/** A job that is pending again keeps its round; its pool is told, unless the job is held. Returns the pool it is claimable in. */
export async function announceGivenBack(
  transaction: Transaction,
  { collection, pool, bot_id: botId }: FoundJob,
): Promise<string | null> {
  if (collection !== 'active' || pool === null) return null;
  await announceArrival(transaction, pool, botId);
  return pool;
}

/** S5: changes the job that has this claim token, wherever it is, and returns it; null when the token is stale. */
async function changeClaimed(
  { collections: { jobs }, session }: Transaction,
  { guid, claimToken }: ClaimHandle,
  change: UpdateFilter<JobDocument> | object[],
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
