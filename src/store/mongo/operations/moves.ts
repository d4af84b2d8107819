import type { Document, ObjectId, WithId } from 'mongodb';
import { roundForJob } from '../../../jobs/fairness.ts';
import type { JobDocument } from '../../documents.ts';
import { HAS_LAPSED } from '../collections.ts';
import { UNCLAIMED } from '../job-document.ts';
import type { OwnerTransaction, Transaction } from '../transactions.ts';
import { announceArrival, roundsOfChats } from './turns.ts';
import { ownedStore } from './writing.ts';

/** Moves of jobs between the collections as bots come and go: an insert and a delete, in one transaction. */

interface Move {
  readonly from: 'active' | 'holding';
  readonly to: 'active' | 'holding';
  /** The first stages of the pipeline that finds them. */
  readonly which: readonly Document[];
  /** Whether those whose lease has ended become pending. */
  readonly endsLapsed: boolean;
  readonly now: number;
}

/** Gives the jobs that are moved their rounds. */
type Place = (
  transaction: OwnerTransaction,
  jobs: readonly WithId<JobDocument>[],
) => Promise<readonly WithId<JobDocument>[]>;

/** Moves the first `atMost` such jobs. Returns how many there were. */
async function moveJobs(
  transaction: Transaction,
  { from, to, which, endsLapsed, now }: Move,
  atMost: number,
  place: Place,
): Promise<number> {
  const owned = await ownedStore(transaction);
  const { collections, session } = owned;
  const found = await collections.jobs[from]
    .aggregate<WithId<JobDocument> & { readonly has_lapsed: boolean }>(
      [...which, { $limit: atMost }, { $set: { has_lapsed: HAS_LAPSED } }],
      { session, batchSize: atMost + 1 },
    )
    .toArray();
  if (found.length === 0) return 0;
  const moved = found.map(({ has_lapsed: hasLapsed, ...job }): WithId<JobDocument> => ({
    ...job,
    ...(endsLapsed && hasLapsed ? { ...UNCLAIMED, status: 'pending', attempts: job.attempts + 1 } : {}),
    changed_at: now,
  }));
  await collections.jobs[from].deleteMany({ _id: { $in: moved.map(({ _id }) => _id) } }, { session });
  await collections.jobs[to].insertMany(await place(owned, moved), { session });
  return moved.length;
}

const inOrder = (filter: Document): Document[] => [{ $match: filter }, { $sort: { seq: 1 } }];

const asTheyAre: Place = async (_transaction, jobs) => jobs;

/** Of all bots, in no order, for which there is no index. */
export const sweepJobs = (transaction: Transaction, now: number, atMost: number): Promise<number> =>
  moveJobs(
    transaction,
    { from: 'active', to: 'holding', which: [], endsLapsed: true, now },
    atMost,
    asTheyAre,
  );

/** A worker may still be at it, whose lease has ended. */
export const holdJobs = (
  transaction: Transaction,
  botId: string,
  now: number,
  atMost: number,
): Promise<number> =>
  moveJobs(
    transaction,
    { from: 'active', to: 'holding', which: inOrder({ bot_id: botId }), endsLapsed: false, now },
    atMost,
    asTheyAre,
  );

/** Completed jobs stay for the reaper. */
export const promoteJobs = (
  transaction: Transaction,
  botId: string,
  now: number,
  atMost: number,
): Promise<number> => {
  const which = inOrder({ bot_id: botId, status: { $ne: 'completed' } });
  return moveJobs(
    transaction,
    { from: 'holding', to: 'active', which, endsLapsed: true, now },
    atMost,
    (owned, jobs) => withRounds(owned, botId, jobs),
  );
};

/** Gives the pending ones of a bot's jobs their rounds, in the order given. */
async function withRounds(
  transaction: OwnerTransaction,
  botId: string,
  jobs: readonly WithId<JobDocument>[],
): Promise<readonly WithId<JobDocument>[]> {
  const pending = jobs.filter(({ status }) => status === 'pending');
  const placed = new Map<JobDocument, number>();
  for (const [pool, ofPool] of Map.groupBy(pending, (job) => job.pool)) {
    if (pool === null) continue;
    const chats = [...new Set(ofPool.map((job) => job.correspondent_id))];
    const rounds = await roundsOfChats(transaction, pool, botId, chats);
    const botRound = await announceArrival(transaction, pool, botId, ofPool.length);
    for (const job of ofPool) {
      const round = roundForJob(botRound, rounds.get(job.correspondent_id) ?? 0);
      rounds.set(job.correspondent_id, round);
      placed.set(job, round);
    }
  }
  return jobs.map((job) => ({ ...job, round: placed.get(job) ?? job.round }));
}

/** Where the step ended, null when nothing is behind it, and how many jobs it moved. */
export interface Rerouted {
  readonly lastId: ObjectId | null;
  readonly moved: number;
}

/** Gives the pools of their types to the held jobs behind `afterId`, `atMost` of them. */
export async function rerouteHeldJobs(
  transaction: Transaction,
  poolOf: (mimeType: string) => string,
  afterId: ObjectId | null,
  atMost: number,
): Promise<Rerouted> {
  const { collections, session } = await ownedStore(transaction);
  const { holding } = collections.jobs;
  const held = await holding
    .find(afterId === null ? {} : { _id: { $gt: afterId } }, {
      session,
      sort: { _id: 1 },
      projection: { pool: 1, mime_type: 1 },
      limit: atMost,
      batchSize: atMost,
    })
    .toArray();
  const strays = held.filter(({ pool, mime_type: type }) => pool !== null && pool !== poolOf(type));
  let moved = 0;
  for (const [pool, jobs] of Map.groupBy(strays, (job) => poolOf(job.mime_type))) {
    const ids = jobs.map(({ _id }) => _id);
    const update = await holding.updateMany({ _id: { $in: ids } }, { $set: { pool } }, { session });
    moved += update.modifiedCount;
  }
  const lastId = held.map(({ _id }) => _id).at(-1) ?? null;
  return { lastId: held.length < atMost ? null : lastId, moved };
}
