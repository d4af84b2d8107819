import type { MongoClient, ObjectId } from 'mongodb';
import type { Clock } from '../../base/clock.ts';
import { hasCode } from '../../base/errors.ts';
import type { Guid } from '../../base/ids.ts';
import type { Logger } from '../../base/log.ts';
import type {
  ClaimedJob,
  CorrespondentKey,
  JobError,
  MediaProcessingJob,
  ProcessingResult,
} from '../../jobs/job.ts';
import { isReady, type Message, type Placeholder } from '../../queue/message.ts';
import { readSound } from '../documents.ts';
import type {
  Acceptance,
  AcceptOutcome,
  BotJobs,
  BotJobsPage,
  BotRecord,
  ClaimHandle,
  ClaimRequest,
  ChatsPage,
  CorrespondentRecord,
  DeadLetterProblem,
  ForgottenChat,
  HistoryEntry,
  IdleJob,
  IngestBatch,
  JobCount,
  JobPage,
  JobQuery,
  JobRetry,
  JobTrace,
  RevivedJobs,
  Settlement,
  StagedMedia,
  Store,
  StoredMessage,
} from '../store.ts';
import { jobOfDocument } from './job-document.ts';
import { dropFailedJob } from './operations/dead-letters.ts';
import {
  chatsNamed,
  chatsWithJournal,
  correspondents,
  rehydrate,
  resolveCorrespondent,
} from './operations/chats.ts';
import {
  claim,
  complete,
  discardJob,
  heartbeat,
  jobByGuid,
  postpone,
  release,
  stage,
} from './operations/jobs.ts';
import { countJobs, deleteBot, jobsOfBot, listBots, listJobs, saveBot } from './operations/lists.ts';
import {
  accept,
  evict,
  findMessage,
  history,
  pruneMessageIds,
  reinstate,
  retryFailedJob,
  settle,
} from './operations/messages.ts';
import { holdJobs, promoteJobs, type Rerouted, rerouteHeldJobs, sweepJobs } from './operations/moves.ts';
import { dueJobs, nextDueAt, type Revival, reviveJob } from './operations/revival.ts';
import {
  chatsAfter,
  expireJob,
  forgetChat,
  forgetMessageIds,
  jobsAmong,
  pruneHistory,
} from './operations/upkeep.ts';
import { ACCEPTING, INGESTING, type Ingesting } from './operations/together.ts';
import type { Ownership } from './ownership.ts';
import type { Coalesced, Transactions } from './transactions.ts';
import { type Watch, watchClaimable, watchCompleted, type WatchesOptions } from './watches.ts';

/** How often other processes' doings are looked for where the server offers no change stream. */
const WATCH_POLL_MS = 5_000;
/** Duplicate keys, or messages of the history, that are deleted in one operation. */
const PRUNE_STEP = 2_000;
/** Chats that are named at a time. */
const CHATS_STEP = 1_000;
/** Jobs that are moved in one transaction, far below what a transaction may hold or how long it may take. */
const MOVE_STEP = 500;
/** Due jobs of a kind that are revived in one call; the next is due at once when there are more. */
const REVIVE_STEP = 500;

/** The lane of whatever moves many jobs: the store's owner does one such thing at a time. */
const MOVES = 'moves';

const lanesOf = {
  chat: ({ botId, providerName, correspondentId }: CorrespondentKey): string =>
    `chat ${botId} ${providerName} ${correspondentId}`,
  guid: (guid: Guid): string => `guid ${guid}`,
  pool: (pool: string): string => `pool ${pool}`,
};

export interface MongoStoreParts {
  readonly client: MongoClient;
  readonly transactions: Transactions;
  readonly clock: Clock;
  readonly log: Logger;
  readonly fence: number;
  readonly ownership?: Ownership;
}

/**
 * Each call is one transaction, in the lanes of the chat, the job and the pool that it writes to. Texts that are accepted
 * or ingested at the same time share one: what is there of each is still all of it or nothing. Only what moves or
 * revives many jobs is several of them, one after another: each job is moved whole or not at all, and a call that
 * ended early is made again.
 */
export class MongoStore implements Store {
  readonly fence: number;
  readonly #client: MongoClient;
  readonly #ownership: Ownership | null;
  readonly #transactions: Transactions;
  readonly #clock: Clock;
  readonly #log: Logger;
  /** The last turn that this process gave, by pool. */
  readonly #latestTurns = new Map<string, number>();
  readonly #watches: Watch[] = [];
  readonly #acceptText: Coalesced<Acceptance, AcceptOutcome>;
  readonly #ingest: Coalesced<Ingesting, number>;
  #closing: Promise<void> | null = null;

  constructor({ client, transactions, clock, log, fence, ownership }: MongoStoreParts) {
    this.fence = fence;
    this.#ownership = ownership ?? null;
    this.#client = client;
    this.#transactions = transactions;
    this.#acceptText = transactions.coalesce(ACCEPTING);
    this.#ingest = transactions.coalesce(INGESTING);
    this.#clock = clock;
    this.#log = log;
  }

  resolveCorrespondent(
    botId: string,
    providerName: string,
    identifiers: readonly [string, ...string[]],
  ): Promise<CorrespondentRecord> {
    const now = this.#clock.now();
    return this.#transactions.run([], (transaction) =>
      resolveCorrespondent(transaction, botId, providerName, wellFormed(identifiers), now),
    );
  }

  rehydrate(
    key: CorrespondentKey,
  ): Promise<{ readonly nextId: number; readonly messages: readonly Message[] }> {
    return this.#transactions.run([lanesOf.chat(key)], (transaction) => rehydrate(transaction, key));
  }

  chatsWithJournal(botId: string): Promise<readonly CorrespondentKey[]> {
    return this.#transactions.single((collections) => chatsWithJournal(collections, botId));
  }

  accept(acceptance: Acceptance): Promise<AcceptOutcome> {
    const { correspondent, message, job } = acceptance;
    const lanes = [lanesOf.chat(correspondent)];
    if (job === null && isReady(message)) return this.#acceptText(lanes, acceptance);
    if (job !== null) lanes.push(lanesOf.guid(job.guid));
    if (job?.start.kind === 'staged') lanes.push(lanesOf.pool(job.start.media.pool));
    const seq = this.#transactions.nextSeq();
    return this.#transactions.run(lanes, (transaction) => accept(transaction, acceptance, seq));
  }

  settle(settlement: Settlement): Promise<'settled' | 'gone'> {
    const lanes = [lanesOf.chat(settlement.correspondent), lanesOf.guid(settlement.guid)];
    return this.#transactions.run(lanes, (transaction) => settle(transaction, settlement));
  }

  discardJob(guid: Guid, error: JobError | null, now: number): Promise<boolean> {
    return this.#transactions.run([lanesOf.guid(guid)], (transaction) =>
      discardJob(transaction, guid, error, now),
    );
  }

  async ingest({ correspondent, messages, now }: IngestBatch): Promise<{ readonly ingested: number }> {
    const ids = messages.map(({ id }) => id);
    const ingested = await this.#ingest([lanesOf.chat(correspondent)], { key: correspondent, ids, now });
    return { ingested };
  }

  reinstate(
    key: CorrespondentKey,
    placeholder: Placeholder,
    evictedIds: readonly number[],
  ): Promise<'reinstated' | 'gone'> {
    const lanes = [lanesOf.chat(key), lanesOf.guid(placeholder.mediaProcessingId)];
    return this.#transactions.run(lanes, (transaction) =>
      reinstate(transaction, key, placeholder, evictedIds),
    );
  }

  evict(key: CorrespondentKey, ids: readonly number[]): Promise<void> {
    return this.#transactions.run([lanesOf.chat(key)], (transaction) => evict(transaction, key, ids));
  }

  stage(guid: Guid, staged: StagedMedia, now: number): Promise<'pending' | 'already' | 'unknown'> {
    const lanes = [lanesOf.guid(guid), lanesOf.pool(staged.pool)];
    return this.#transactions.run(lanes, (transaction) => stage(transaction, guid, staged, now));
  }

  async claim(request: ClaimRequest): Promise<ClaimedJob | null> {
    const { pool } = request;
    const claimed = await this.#transactions.run([lanesOf.pool(pool)], (transaction) =>
      claim(transaction, request, this.#latestTurns.get(pool) ?? 0),
    );
    if (claimed === null) return null;
    this.#latestTurns.set(pool, claimed.turn);
    return claimed.job;
  }

  heartbeat(handle: ClaimHandle, leaseExpiresAt: number): Promise<boolean> {
    const leaseMs = leaseExpiresAt - this.#clock.now();
    return this.#transactions.run([lanesOf.guid(handle.guid)], (transaction) =>
      heartbeat(transaction, handle, leaseMs),
    );
  }

  complete(handle: ClaimHandle, result: ProcessingResult, now: number): Promise<boolean> {
    return this.#transactions.run([lanesOf.guid(handle.guid)], (transaction) =>
      complete(transaction, handle, result, now),
    );
  }

  release(handle: ClaimHandle, now: number): Promise<boolean> {
    return this.#transactions.run([lanesOf.guid(handle.guid)], (transaction) =>
      release(transaction, handle, now),
    );
  }

  postpone(handle: ClaimHandle, availableAt: number, error: JobError, now: number): Promise<boolean> {
    return this.#transactions.run([lanesOf.guid(handle.guid)], (transaction) =>
      postpone(transaction, handle, availableAt, error, now),
    );
  }

  async reviveJobs(now: number, maxAttempts: number): Promise<RevivedJobs> {
    const pools = new Set<string>();
    const poisoned: Extract<Revival, { readonly kind: 'poisoned' }>[] = [];
    for (const due of await this.#transactions.single((collections) =>
      dueJobs(collections, now, REVIVE_STEP),
    )) {
      const revival = await this.#transactions.run([lanesOf.guid(due.guid)], (transaction) =>
        reviveJob(transaction, due, now, maxAttempts),
      );
      if (revival.kind === 'poisoned') poisoned.push(revival);
      if (revival.kind === 'revived' && revival.claimablePool !== null) pools.add(revival.claimablePool);
    }
    return {
      pools: [...pools],
      poisoned: readSound(
        poisoned.toSorted((a, b) => a.job.seq - b.job.seq),
        ({ job, collection }) => jobOfDocument(job, collection),
        this.#log,
      ),
      nextDueAt: await this.#transactions.single((collections) => nextDueAt(collections, now)),
    };
  }

  sweepToHolding(now: number): Promise<number> {
    return this.#inSteps(MOVE_STEP, () =>
      this.#transactions.run([MOVES], (transaction) => sweepJobs(transaction, now, MOVE_STEP)),
    );
  }

  holdJobs(botId: string, now: number): Promise<number> {
    return this.#inSteps(MOVE_STEP, () =>
      this.#transactions.run([MOVES], (transaction) => holdJobs(transaction, botId, now, MOVE_STEP)),
    );
  }

  promoteJobs(botId: string, now: number): Promise<number> {
    return this.#inSteps(MOVE_STEP, () =>
      this.#transactions.run([MOVES], (transaction) => promoteJobs(transaction, botId, now, MOVE_STEP)),
    );
  }

  jobsOfBot(botId: string, page: BotJobsPage): Promise<BotJobs> {
    return this.#transactions.single((collections) => jobsOfBot(collections, botId, page, this.#log));
  }

  jobByGuid(guid: Guid): Promise<MediaProcessingJob | null> {
    return this.#transactions.run([], (transaction) => jobByGuid(transaction, guid));
  }

  countJobs(): Promise<readonly JobCount[]> {
    return this.#transactions.single(countJobs);
  }

  async rerouteHeldJobs(poolOf: (mimeType: string) => string): Promise<number> {
    let total = 0;
    for (let afterId: ObjectId | null = null; ;) {
      const { moved, lastId }: Rerouted = await this.#transactions.single((collections) =>
        rerouteHeldJobs(collections, poolOf, afterId, MOVE_STEP),
      );
      total += moved;
      if (lastId === null) return total;
      afterId = lastId;
    }
  }

  listJobs(query: JobQuery): Promise<JobPage> {
    return this.#transactions.single((collections) => listJobs(collections, query, this.#log));
  }

  dropFailedJob(guid: Guid): Promise<'dropped' | DeadLetterProblem> {
    return this.#transactions.run([lanesOf.guid(guid)], (transaction) => dropFailedJob(transaction, guid));
  }

  retryFailedJob(retry: JobRetry): Promise<'retried' | DeadLetterProblem> {
    const { correspondent, placeholder, pool } = retry;
    const lanes = [
      lanesOf.chat(correspondent),
      lanesOf.guid(placeholder.mediaProcessingId),
      lanesOf.pool(pool),
    ];
    return this.#transactions.run(lanes, (transaction) => retryFailedJob(transaction, retry));
  }

  async expireJob(idle: IdleJob, error: JobError, now: number): Promise<MediaProcessingJob | null> {
    const expired = await this.#transactions.run([lanesOf.guid(idle.guid)], (transaction) =>
      expireJob(transaction, idle, error, now),
    );
    return expired && jobOfDocument(expired.job, expired.collection);
  }

  jobsAmong(guids: readonly Guid[]): Promise<readonly JobTrace[]> {
    return this.#transactions.run([], (transaction) => jobsAmong(transaction, guids));
  }

  async pruneHistory(botId: string, before: number): Promise<number> {
    let pruned = 0;
    for (let after = 0; ;) {
      const chats = await this.#transactions.single((collections) =>
        chatsAfter(collections, botId, after, CHATS_STEP),
      );
      for (const { key } of chats) pruned += await this.#pruneHistory(key, before);
      const last = chats.at(-1);
      if (last === undefined || chats.length < CHATS_STEP) return pruned;
      after = last.chat;
    }
  }

  chatsNamed(botId: string, identifier: string): Promise<readonly CorrespondentRecord[]> {
    return this.#transactions.single((collections) =>
      chatsNamed(collections, botId, identifier.toWellFormed()),
    );
  }

  async forgetChat(key: CorrespondentKey): Promise<ForgottenChat | null> {
    const ingested = await this.#pruneHistory(key, Number.MAX_SAFE_INTEGER);
    await this.#inSteps(PRUNE_STEP, () =>
      this.#transactions.single((collections) => forgetMessageIds(collections, key, PRUNE_STEP)),
    );
    try {
      const { messages, media } = await this.#transactions.run([lanesOf.chat(key)], (transaction) =>
        forgetChat(transaction, key),
      );
      return { messages: ingested + messages, media };
    } catch (error) {
      if (hasCode(error, 'not_found')) return null;
      throw error;
    }
  }

  history(
    key: CorrespondentKey,
    { afterSeq, limit }: { readonly afterSeq: number; readonly limit: number },
  ): Promise<readonly HistoryEntry[]> {
    return this.#transactions.single((collections) => history(collections, key, afterSeq, limit));
  }

  findMessage(key: CorrespondentKey, id: number): Promise<StoredMessage | null> {
    return this.#transactions.single((collections) => findMessage(collections, key, id));
  }

  correspondents(botId: string, page?: ChatsPage): Promise<readonly CorrespondentRecord[]> {
    return this.#transactions.single((collections) => correspondents(collections, botId, page));
  }

  pruneMessageIds(before: number): Promise<number> {
    return this.#inSteps(PRUNE_STEP, () =>
      this.#transactions.single((collections) => pruneMessageIds(collections, before, PRUNE_STEP)),
    );
  }

  saveBot(bot: BotRecord): Promise<void> {
    return this.#transactions.single((collections) => saveBot(collections, bot));
  }

  deleteBot(botId: string): Promise<void> {
    return this.#transactions.single((collections) => deleteBot(collections, botId));
  }

  bots(): Promise<readonly BotRecord[]> {
    return this.#transactions.single(listBots);
  }

  onClaimable(listener: (pool: string) => void): void {
    this.#watches.push(watchClaimable(this.#watchesOptions, listener));
  }

  onCompleted(listener: (job: MediaProcessingJob) => void): void {
    this.#watches.push(...watchCompleted(this.#watchesOptions, listener));
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  #pruneHistory(key: CorrespondentKey, before: number): Promise<number> {
    return this.#inSteps(PRUNE_STEP, () =>
      this.#transactions.single((collections) => pruneHistory(collections, key, before, PRUNE_STEP)),
    );
  }

  get #watchesOptions(): WatchesOptions {
    const { collections } = this.#transactions;
    return { collections, clock: this.#clock, log: this.#log, pollMs: WATCH_POLL_MS };
  }

  async #close(): Promise<void> {
    await Promise.all(this.#watches.map((watch) => watch.close()));
    await this.#transactions.close();
    await this.#ownership?.release();
    await this.#client.close();
  }

  /** Repeats `step`, which does up to `size`, until there is less to do. Returns how much it did. */
  async #inSteps(size: number, step: () => Promise<number>): Promise<number> {
    for (let total = 0; ;) {
      const done = await step();
      total += done;
      if (done < size) return total;
    }
  }
}

/** BSON is UTF-8, where a lone surrogate becomes U+FFFD: what was given is compared with what is there. */
const wellFormed = ([first, ...others]: readonly [string, ...string[]]): [string, ...string[]] => [
  first.toWellFormed(),
  ...others.map((each) => each.toWellFormed()),
];
