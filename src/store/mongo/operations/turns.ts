import type { WithId } from 'mongodb';
import { roundForJob } from '../../../jobs/fairness.ts';
import type { JobDocument } from '../../documents.ts';
import { SERVER_NOW } from '../collections.ts';
import type { Transaction } from '../transactions.ts';

/**
 * The decision of src/jobs/fairness.ts on indexes: `media_turns` holds each bot's place in each pool, the partial
 * indexes of the active jobs order what waits. Arrival and claim both write the bot's document, so that of two that
 * overlap one is run again.
 */

interface Contender {
  readonly pool: string;
  readonly botId: string;
  readonly correspondentId: string;
}

/** Tells the pool that jobs of this bot became claimable. Returns the bot's round. */
export async function announceArrival(
  { collections: { turns }, session, nextSeq }: Transaction,
  pool: string,
  botId: string,
  arrivals = 1,
): Promise<number> {
  const bot = await turns.findOneAndUpdate(
    { pool, bot_id: botId },
    {
      $inc: { arrivals },
      $set: { claimable: true },
      $setOnInsert: { _id: nextSeq(), turn: 0, round: 0 },
    },
    { session, upsert: true, returnDocument: 'after' },
  );
  return bot?.round ?? 0;
}

/** The round of a job that becomes claimable for the first time. */
export async function takeRound(
  transaction: Transaction,
  { pool, botId, correspondentId }: Contender,
): Promise<number> {
  const { collections, session } = transaction;
  const botRound = await announceArrival(transaction, pool, botId);
  const waiting = await collections.jobs.active.findOne(
    { status: 'pending', pool, bot_id: botId, correspondent_id: correspondentId },
    { session, sort: { round: -1 }, projection: { round: 1 } },
  );
  return roundForJob(botRound, waiting?.round ?? 0);
}

/** The latest round of the pending active jobs of each of a bot's chats in a pool. */
export async function roundsOfChats(
  { collections, session }: Transaction,
  pool: string,
  botId: string,
  correspondentIds: readonly string[],
): Promise<Map<string, number>> {
  const groups = await collections.jobs.active
    .aggregate<{ readonly _id: string; readonly round: number }>(
      [
        { $match: { status: 'pending', pool, bot_id: botId, correspondent_id: { $in: correspondentIds } } },
        { $group: { _id: '$correspondent_id', round: { $max: '$round' } } },
      ],
      { session },
    )
    .toArray();
  return new Map(groups.map(({ _id, round }) => [_id, round]));
}

/** Who is served next: the job, and the turn that its bot has from now on. */
export interface Turn {
  readonly job: WithId<JobDocument>;
  readonly turn: number;
}

/**
 * Chooses the bot and the job that are served next and moves the bot behind all others: its turn is the server's time,
 * above its own last one and above `latestTurn`, the last that this process gave in the pool. Null: none may be served.
 */
export async function takeTurn(
  { collections: { turns, jobs }, session }: Transaction,
  pool: string,
  cappedBots: readonly string[],
  latestTurn: number,
): Promise<Turn | null> {
  for (;;) {
    const bot = await turns.findOne(
      { pool, claimable: true, bot_id: { $nin: cappedBots } },
      { session, sort: { turn: 1, _id: 1 } },
    );
    if (bot === null) return null;
    const { _id, bot_id: botId } = bot;
    const job = await jobs.active.findOne(
      { status: 'pending', pool, bot_id: botId },
      { session, sort: { round: 1, seq: 1 } },
    );
    if (job === null) {
      await turns.updateOne({ _id }, { $set: { claimable: false } }, { session });
      continue;
    }
    const turn = { $max: [SERVER_NOW, { $add: ['$turn', 1] }, latestTurn + 1] };
    const served = await turns.findOneAndUpdate(
      { _id },
      [{ $set: { turn, round: { $max: ['$round', job.round] } } }],
      { session, returnDocument: 'after' },
    );
    return { job, turn: served?.turn ?? latestTurn };
  }
}
