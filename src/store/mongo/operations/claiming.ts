import { randomUUID } from 'node:crypto';
import type { AnyBulkWriteOperation, WithId } from 'mongodb';
import { botToServe, type BotTurn, placeAfter } from '../../../jobs/fairness.ts';
import type { ClaimedJob } from '../../../jobs/job.ts';
import type { JobDocument } from '../../documents.ts';
import { claimedJob } from '../../job-records.ts';
import type { ClaimRequest } from '../../work-store.ts';
import type { Coalescible } from '../coalescing.ts';
import { SERVER_NOW, type TurnDocument } from '../collections.ts';
import { jobOfDocument } from '../job-document.ts';
import type { Transaction, WorkTransaction } from '../transactions.ts';
import { done } from './chats-together.ts';
import { byClaims } from './writing.ts';

/** Claims, those of a pool that wait at the same time as if one came after the other. */
export function claiming(): Coalescible<ClaimRequest, ClaimedJob | null> {
  /** By pool, the last turn that this process gave. It may be one of a transaction that was undone, and is passed over. */
  const latestTurns = new Map<string, number>();

  const claim = async (
    transaction: Transaction,
    pool: string,
    requests: readonly ClaimRequest[],
  ): Promise<readonly (ClaimedJob | null)[]> => {
    const service = new Service(byClaims(transaction), pool, latestTurns.get(pool) ?? 0);
    const claimed = await service.serve(requests);
    latestTurns.set(pool, service.latestTurn);
    return claimed;
  };

  return {
    poolsOf: ({ pool }) => [pool],

    alone: (request) => async (transaction) => {
      const [job] = await claim(transaction, request.pool, [request]);
      return job ?? null;
    },

    async together(transaction, requests) {
      const claimed = new Map<string, Iterator<ClaimedJob | null>>();
      for (const [pool, ofPool] of Map.groupBy(requests, (request) => request.pool)) {
        claimed.set(pool, (await claim(transaction, pool, ofPool)).values());
      }
      return requests.map(({ pool }) => done(claimed.get(pool)?.next().value ?? null));
    },
  };
}

/**
 * The decision of src/jobs/fairness.ts on what is read of a pool: the bots that are next and, of each, its next jobs. What
 * was decided is written at the end, or before more has to be read. `media_turns` is ordered by the server's time: a
 * turn is at least that, above the bot's own last one and above the last that this process gave.
 */
class Service {
  latestTurn: number;
  readonly #transaction: WorkTransaction;
  readonly #pool: string;
  readonly #bots = new Map<string, BotTurn & { readonly place: TurnDocument['_id'] }>();
  /** What is left of what was read of a bot's jobs, in their order. */
  readonly #jobs = new Map<string, WithId<JobDocument>[]>();
  #claimed: WithId<JobDocument>[] = [];
  #knowsAllBots = false;
  #serverNow = 0;

  constructor(transaction: WorkTransaction, pool: string, latestTurn: number) {
    this.#transaction = transaction;
    this.#pool = pool;
    this.latestTurn = latestTurn;
  }

  /** Null for those to whom no job may be given. */
  async serve(requests: readonly ClaimRequest[]): Promise<readonly (ClaimedJob | null)[]> {
    const claimed: (ClaimedJob | null)[] = [];
    await this.#readBots(requests);
    while (claimed.length < requests.length) {
      const waiting = requests.slice(claimed.length);
      const [request] = waiting;
      if (request === undefined) break;
      const bot = botToServe(this.#bots.values(), new Set(request.cappedBots));
      if (!this.#knowsAllBots && (bot === null || this.#jobs.has(bot.botId))) {
        // It may be the turn of one that was not read: those that were served are behind it.
        await this.#write();
        await this.#readBots(waiting);
        continue;
      }
      if (bot === null) {
        claimed.push(null);
        continue;
      }
      const job = (await this.#jobsOf(bot.botId, waiting.length)).shift();
      if (job === undefined) this.#bots.set(bot.botId, { ...bot, claimable: false });
      else claimed.push(this.#give(bot, job, request));
    }
    await this.#write();
    return claimed;
  }

  #give(
    bot: BotTurn & { readonly place: TurnDocument['_id'] },
    job: WithId<JobDocument>,
    { now, leaseMs }: ClaimRequest,
  ): ClaimedJob {
    const after = placeAfter(bot, job, Math.max(this.#serverNow - 1, bot.turn, this.latestTurn));
    this.#bots.set(bot.botId, { ...bot, ...after });
    this.latestTurn = after.turn;
    const claimed: WithId<JobDocument> = {
      ...job,
      status: 'processing',
      claim_token: randomUUID(),
      lease_expires_at: this.#serverNow + leaseMs,
      claimed_at: now,
      changed_at: now,
    };
    this.#claimed.push(claimed);
    return claimedJob(jobOfDocument(claimed, 'active'));
  }

  /** As many as `requests` may need: each is served from one that is not at its cap. */
  async #readBots(requests: readonly ClaimRequest[]): Promise<void> {
    const { collections, session } = this.#transaction;
    const capped = new Set(requests.flatMap(({ cappedBots }) => cappedBots));
    const limit = requests.length + capped.size;
    const bots = await collections.turns
      .aggregate<TurnDocument & { readonly server_now: number }>(
        [
          { $match: { pool: this.#pool, claimable: true } },
          { $sort: { turn: 1, _id: 1 } },
          { $limit: limit },
          { $set: { server_now: SERVER_NOW } },
        ],
        { session, batchSize: limit + 1 },
      )
      .toArray();
    this.#knowsAllBots = bots.length < limit;
    for (const { _id: place, bot_id: botId, turn, round, claimable, server_now: serverNow } of bots) {
      this.#bots.set(botId, { place, botId, turn, round, claimable });
      this.#serverNow = serverNow;
    }
  }

  /** Read when the bot's turn has come, as many as may be given. */
  async #jobsOf(botId: string, limit: number): Promise<WithId<JobDocument>[]> {
    const known = this.#jobs.get(botId);
    if (known !== undefined) return known;
    const { collections, session } = this.#transaction;
    const found = await collections.jobs.active
      .find(
        { status: 'pending', pool: this.#pool, bot_id: botId },
        { session, sort: { round: 1, seq: 1 }, limit, batchSize: limit + 1 },
      )
      .toArray();
    this.#jobs.set(botId, found);
    return found;
  }

  /** The bots whose jobs were looked at, and the jobs that were given; then nothing is known any more. */
  async #write(): Promise<void> {
    const { collections, session } = this.#transaction;
    const turns = [...this.#bots.values()].flatMap(
      ({ place, botId, turn, round, claimable }): AnyBulkWriteOperation<TurnDocument>[] =>
        this.#jobs.has(botId)
          ? [{ updateOne: { filter: { _id: place }, update: { $set: { turn, round, claimable } } } }]
          : [],
    );
    if (turns.length > 0) await collections.turns.bulkWrite(turns, { session });
    const jobs = this.#claimed.map(
      ({ _id, status, claim_token, lease_expires_at, changed_at }): AnyBulkWriteOperation<JobDocument> => ({
        updateOne: {
          filter: { _id },
          update: { $set: { status, claim_token, lease_expires_at, changed_at, claimed_at: changed_at } },
        },
      }),
    );
    if (jobs.length > 0) await collections.jobs.active.bulkWrite(jobs, { session });
    this.#claimed = [];
    this.#bots.clear();
    this.#jobs.clear();
  }
}
