import type { Document } from 'mongodb';
import type { Guid } from '../../../base/ids.ts';
import type { JobCollection } from '../../../jobs/job.ts';
import type { JobDocument } from '../../documents.ts';
import { POISON } from '../../job-records.ts';
import { HAS_LAPSED, HAS_WAITED, type ReadableCollections, SERVER_NOW } from '../collections.ts';
import { LIVE, UNCLAIMED } from '../job-document.ts';
import type { Transaction } from '../transactions.ts';
import { announceGivenBack } from './jobs.ts';
import { byClaims } from './writing.ts';

/**
 * Jobs whose worker died or whose back-off is over. They are looked up first and then revived one by one, each in a
 * transaction of its own that looks again: a worker may have completed it in between. What is due is told by the server's
 * clock, for the processes that postpone, work and revive may each have another.
 */

/** A job that was seen to be due. */
export interface DueJob {
  readonly guid: Guid;
  readonly collection: JobCollection;
  readonly attempts: number;
  readonly reason: 'lapsed' | 'waited';
}

export type Revival =
  | { readonly kind: 'revived'; readonly claimablePool: string | null }
  | { readonly kind: 'poisoned'; readonly job: JobDocument; readonly collection: JobCollection }
  | { readonly kind: 'passed' };

/** The index gives those that are due alone: the server's now is a constant to it. */
const LAPSED: Document = { status: 'processing', $expr: HAS_LAPSED };
const WAITED: Document = { status: 'waiting', $expr: HAS_WAITED };

/** At most `limit` of each kind and collection. */
export async function dueJobs({ jobs }: ReadableCollections, limit: number): Promise<DueJob[]> {
  const find = async (
    collection: JobCollection,
    reason: DueJob['reason'],
    filter: Document,
  ): Promise<DueJob[]> => {
    const options = { projection: { guid: 1, attempts: 1 }, limit, batchSize: limit };
    const found = await jobs[collection].find(filter, options).toArray();
    return found.map(({ guid, attempts }) => ({ guid, collection, attempts, reason }));
  };
  const kinds = LIVE.flatMap((collection) => [
    find(collection, 'lapsed', LAPSED),
    find(collection, 'waited', WAITED),
  ]);
  return (await Promise.all(kinds)).flat();
}

export async function reviveJob(
  transaction: Transaction,
  due: DueJob,
  now: number,
  maxAttempts: number,
): Promise<Revival> {
  const work = byClaims(transaction);
  const { collections, session } = work;
  const { guid, collection, attempts, reason } = due;
  const isPoisoned = reason === 'lapsed' && attempts + 1 >= maxAttempts;
  const revived = await collections.jobs[collection].findOneAndUpdate(
    { guid, attempts, ...(reason === 'lapsed' ? LAPSED : WAITED) },
    {
      $set: {
        ...UNCLAIMED,
        available_at: null,
        changed_at: now,
        ...(isPoisoned ? { status: 'completed', error: POISON, completed_at: now } : { status: 'pending' }),
      },
      $inc: { attempts: reason === 'lapsed' ? 1 : 0 },
    },
    { session, returnDocument: 'after' },
  );
  if (revived === null) return { kind: 'passed' };
  if (isPoisoned) return { kind: 'poisoned', job: revived, collection };
  return { kind: 'revived', claimablePool: await announceGivenBack(work, { ...revived, collection }) };
}

/** When the next lease or back-off ends, by the caller's clock, which says `now`; null when there is none. */
export async function nextDueAt({ jobs }: ReadableCollections, now: number): Promise<number | null> {
  const earliestOf = (
    collection: JobCollection,
    status: JobDocument['status'],
    field: 'lease_expires_at' | 'available_at',
  ): Promise<{ readonly at: number } | null> =>
    jobs[collection]
      .aggregate<{ readonly at: number }>([
        { $match: { status } },
        { $sort: { [field]: 1 } },
        { $limit: 1 },
        { $project: { at: { $add: [now, { $subtract: [`$${field}`, SERVER_NOW] }] } } },
      ])
      .next();
  const earliest = LIVE.flatMap((collection) => [
    earliestOf(collection, 'processing', 'lease_expires_at'),
    earliestOf(collection, 'waiting', 'available_at'),
  ]);
  const due = (await Promise.all(earliest)).flatMap((job) => job?.at ?? []);
  return due.length === 0 ? null : Math.min(...due);
}
