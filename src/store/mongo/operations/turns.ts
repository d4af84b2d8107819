import { roundForJob } from '../../../jobs/fairness.ts';
import type { Transaction, WorkTransaction } from '../transactions.ts';

/**
 * The decision of src/jobs/fairness.ts on indexes: `media_turns` holds each bot's place in each pool, the partial
 * indexes of the active jobs order what waits. Arrival and claim both write the bot's document, so that of two that
 * overlap one is run again.
 */

/** A job that becomes claimable, as far as its place among the others is concerned. */
export interface Contender {
  readonly pool: string;
  readonly botId: string;
  readonly correspondentId: string;
}

/** Tells the pool that jobs of this bot became claimable. Returns the bot's round. */
export async function announceArrival(
  { collections: { turns }, session, nextSeq }: WorkTransaction,
  pool: string,
  botId: string,
  arrivals = 1,
): Promise<number> {
  const bot = await turns.findOneAndUpdate({ pool, bot_id: botId }, arrival(arrivals, nextSeq), {
    session,
    upsert: true,
    returnDocument: 'after',
  });
  return bot?.round ?? 0;
}

const arrival = (arrivals: number, nextSeq: () => number) => ({
  $inc: { arrivals },
  $set: { claimable: true },
  $setOnInsert: { _id: nextSeq(), turn: 0, round: 0 },
});

/** The rounds of jobs that become claimable for the first time, in their order, in as many statements for many as for one. */
export async function takeRounds(
  transaction: WorkTransaction,
  contenders: readonly Contender[],
): Promise<readonly number[]> {
  if (contenders.length === 0) return [];
  const botRounds = await announceArrivals(transaction, contenders);
  const latest = await latestRounds(transaction, contenders);
  return contenders.map((contender) => {
    const name = nameOfContender(contender);
    const round = roundForJob(botRounds.get(nameOfBot(contender)) ?? 0, latest.get(name) ?? 0);
    latest.set(name, round);
    return round;
  });
}

/** `announceArrival` for many. Returns the rounds by `nameOfBot`. */
async function announceArrivals(
  { collections: { turns }, session, nextSeq }: WorkTransaction,
  contenders: readonly Contender[],
): Promise<ReadonlyMap<string, number>> {
  const byBot = [...Map.groupBy(contenders, nameOfBot).values()].flatMap((ofBot) => {
    const [first] = ofBot;
    return first === undefined
      ? []
      : [{ filter: { pool: first.pool, bot_id: first.botId }, arrivals: ofBot.length }];
  });
  await turns.bulkWrite(
    byBot.map(({ filter, arrivals }) => ({
      updateOne: { filter, update: arrival(arrivals, nextSeq), upsert: true },
    })),
    { session },
  );
  const bots = await turns.find({ $or: byBot.map(({ filter }) => filter) }, { session }).toArray();
  return new Map(bots.map(({ pool, bot_id: botId, round }) => [nameOfBot({ pool, botId }), round]));
}

/** The latest round of the pending active jobs of each of the contenders' chats, by `nameOfContender`. */
async function latestRounds(
  { collections: { jobs }, session }: Transaction,
  contenders: readonly Contender[],
): Promise<Map<string, number>> {
  const chats = contenders.map(({ pool, botId, correspondentId }) => ({
    status: 'pending' as const,
    pool,
    bot_id: botId,
    correspondent_id: correspondentId,
  }));
  const chat = { pool: '$pool', bot_id: '$bot_id', correspondent_id: '$correspondent_id' };
  const waiting = await jobs.active
    .aggregate<{ readonly _id: ChatInPool; readonly round: number }>(
      [{ $match: { $or: chats } }, { $group: { _id: chat, round: { $max: '$round' } } }],
      { session },
    )
    .toArray();
  return new Map(
    waiting.map(({ _id: { pool, bot_id: botId, correspondent_id: correspondentId }, round }) => [
      nameOfContender({ pool, botId, correspondentId }),
      round,
    ]),
  );
}

interface ChatInPool {
  readonly pool: string;
  readonly bot_id: string;
  readonly correspondent_id: string;
}

const nameOfBot = ({ pool, botId }: Pick<Contender, 'pool' | 'botId'>): string =>
  JSON.stringify([pool, botId]);
const nameOfContender = ({ pool, botId, correspondentId }: Contender): string =>
  JSON.stringify([pool, botId, correspondentId]);

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
