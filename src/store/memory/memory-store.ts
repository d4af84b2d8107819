import type { Clock } from '../../base/clock.ts';
import { DragomanError } from '../../base/errors.ts';
import type { Guid } from '../../base/ids.ts';
import type {
  ClaimedJob,
  CorrespondentKey,
  JobError,
  MediaProcessingJob,
  ProcessingResult,
} from '../../jobs/job.ts';
import type { Message, Placeholder } from '../../queue/message.ts';
import { chatName } from '../chat-name.ts';
import { claimedJob, jobOfAcceptance } from '../job-records.ts';
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
import { MemoryChats } from './memory-chats.ts';
import { isSameChat, MemoryJobs } from './memory-jobs.ts';

/** What outlives a memory store: hand it to the next one, and that one is the next owner of the same data. */
export class MemoryDatabase {
  readonly chats = new MemoryChats();
  readonly jobs = new MemoryJobs();
  readonly bots = new Map<string, BotRecord>();
  #lastFence = 0;

  nextFence(): number {
    this.#lastFence += 1;
    return this.#lastFence;
  }
}

export interface MemoryStoreOptions {
  readonly clock: Clock;
  readonly newClaimToken: () => string;
  readonly database?: MemoryDatabase;
}

/**
 * The store as plain data structures: the reference that the contract suite holds the adapters to, and what
 * simulations run on. Every call is carried out at once; nothing outlives `database`.
 */
export function openMemoryStore(options: MemoryStoreOptions): Store {
  return new MemoryStore(options);
}

class MemoryStore implements Store {
  readonly fence: number;
  readonly #clock: Clock;
  readonly #newClaimToken: () => string;
  readonly #database: MemoryDatabase;
  #closed = false;

  constructor({ clock, newClaimToken, database = new MemoryDatabase() }: MemoryStoreOptions) {
    this.#clock = clock;
    this.#newClaimToken = newClaimToken;
    this.#database = database;
    this.fence = database.nextFence();
    database.jobs.countFromNow(clock.now());
  }

  async resolveCorrespondent(
    botId: string,
    providerName: string,
    identifiers: readonly [string, ...string[]],
  ): Promise<CorrespondentRecord> {
    const owner = { fence: this.fence, now: this.#clock.now() };
    return this.#data.chats.resolve(botId, providerName, identifiers, owner);
  }

  async rehydrate(
    key: CorrespondentKey,
  ): Promise<{ readonly nextId: number; readonly messages: readonly Message[] }> {
    const { nextId, journal } = this.#data.chats.owned(key, this.fence);
    return { nextId, messages: [...journal.values()].toSorted((a, b) => a.id - b.id) };
  }

  async chatsWithJournal(botId: string): Promise<readonly CorrespondentKey[]> {
    return this.#data.chats.withJournal(botId);
  }

  async accept(acceptance: Acceptance): Promise<AcceptOutcome> {
    const { correspondent, message, evictedIds } = acceptance;
    const { chats, jobs } = this.#data;
    const job = jobOfAcceptance(acceptance);
    const chat = chats.owned(correspondent, this.fence);
    const firstId = chats.firstIdOf(chat, message);
    if (firstId !== null) return { kind: 'duplicate', id: firstId };
    expectNextId(correspondent, chat.nextId, message.id);
    if (job !== null && jobs.get(job.guid) !== null) {
      throw new DragomanError('invariant_broken', `expected a new GUID, got that of job ${job.guid}`);
    }
    chats.append(chat, message);
    chats.deleteReady(chat, evictedIds);
    if (job !== null) jobs.add(job);
    return { kind: 'accepted' };
  }

  async settle(settlement: Settlement): Promise<'settled' | 'gone'> {
    const { correspondent, guid, message, evictedIds, error } = settlement;
    const { chats, jobs } = this.#data;
    const chat = chats.owned(correspondent, this.fence);
    jobs.end(guid, error, message.readyTime);
    if (!chats.fulfil(chat, guid, message)) return 'gone';
    chats.deleteReady(chat, evictedIds);
    return 'settled';
  }

  async discardJob(guid: Guid, error: JobError | null, now: number): Promise<boolean> {
    return this.#data.jobs.end(guid, error, now);
  }

  async ingest({ correspondent, messages, now }: IngestBatch): Promise<{ readonly ingested: number }> {
    const { chats } = this.#data;
    const chat = chats.owned(correspondent, this.fence);
    return {
      ingested: chats.ingest(
        chat,
        messages.map(({ id }) => id),
        now,
      ),
    };
  }

  async reinstate(
    key: CorrespondentKey,
    placeholder: Placeholder,
    evictedIds: readonly number[],
  ): Promise<'reinstated' | 'gone'> {
    const { chats, jobs } = this.#data;
    const chat = chats.owned(key, this.fence);
    const job = jobs.get(placeholder.mediaProcessingId);
    if (job === null || job.collection === 'failed' || !isSameChat(job.correspondent, key)) return 'gone';
    if (!chats.reinstate(chat, placeholder)) return 'gone';
    chats.deleteReady(chat, evictedIds);
    return 'reinstated';
  }

  async evict(key: CorrespondentKey, ids: readonly number[]): Promise<void> {
    const { chats } = this.#data;
    chats.deleteReady(chats.owned(key, this.fence), ids);
  }

  async stage(guid: Guid, staged: StagedMedia, now: number): Promise<'pending' | 'already' | 'unknown'> {
    return this.#data.jobs.stage(guid, staged, now);
  }

  async claim(request: ClaimRequest): Promise<ClaimedJob | null> {
    const job = this.#data.jobs.claim(request, this.#newClaimToken());
    return job && claimedJob(job);
  }

  async heartbeat(claim: ClaimHandle, leaseExpiresAt: number): Promise<boolean> {
    return this.#data.jobs.withClaim(claim, (job) => ({ ...job, leaseExpiresAt }));
  }

  async complete(claim: ClaimHandle, result: ProcessingResult, now: number): Promise<boolean> {
    return this.#data.jobs.withClaim(claim, (job) => ({
      ...job,
      status: 'completed',
      result: result.words,
      error: result.kind === 'failure' ? result.error : null,
      attempts: job.attempts + (result.kind === 'failure' ? 1 : 0),
      claimToken: null,
      leaseExpiresAt: null,
      completedAt: now,
      changedAt: now,
    }));
  }

  async release(claim: ClaimHandle, now: number): Promise<boolean> {
    return this.#data.jobs.withClaim(claim, (job) => ({
      ...job,
      status: 'pending',
      claimToken: null,
      leaseExpiresAt: null,
      changedAt: now,
    }));
  }

  async postpone(claim: ClaimHandle, availableAt: number, error: JobError, now: number): Promise<boolean> {
    return this.#data.jobs.withClaim(claim, (job) => ({
      ...job,
      status: 'waiting',
      availableAt,
      error,
      attempts: job.attempts + 1,
      claimToken: null,
      leaseExpiresAt: null,
      changedAt: now,
    }));
  }

  async reviveJobs(now: number, maxAttempts: number): Promise<RevivedJobs> {
    return this.#data.jobs.revive(now, maxAttempts);
  }

  async sweepToHolding(now: number): Promise<number> {
    const { jobs } = this.#data;
    const active = jobs.all().filter(({ collection }) => collection === 'active');
    return jobs.move(jobs.endLapsed(active, now), 'holding', now);
  }

  async holdJobs(botId: string, now: number): Promise<number> {
    const { jobs } = this.#data;
    const active = jobs
      .all()
      .filter(({ correspondent, collection }) => correspondent.botId === botId && collection === 'active');
    return jobs.move(active, 'holding', now);
  }

  async promoteJobs(botId: string, now: number): Promise<number> {
    const { jobs } = this.#data;
    const held = jobs
      .all()
      .filter(
        ({ correspondent, collection, status }) =>
          correspondent.botId === botId && collection === 'holding' && status !== 'completed',
      );
    return jobs.move(jobs.endLapsed(held, now), 'active', now);
  }

  async jobsOfBot(botId: string, page: BotJobsPage): Promise<BotJobs> {
    const { collection, statuses, changedBefore = Number.MAX_SAFE_INTEGER, afterSeq, limit } = page;
    const found = this.#data.jobs
      .all()
      .filter(
        (job) =>
          job.correspondent.botId === botId &&
          job.collection === collection &&
          job.seq > afterSeq &&
          job.changedAt < changedBefore &&
          (statuses === undefined || statuses.includes(job.status)),
      )
      .slice(0, limit);
    return { jobs: found, nextAfterSeq: found.length < limit ? null : (found.at(-1)?.seq ?? null) };
  }

  async jobByGuid(guid: Guid): Promise<MediaProcessingJob | null> {
    return this.#data.jobs.get(guid);
  }

  async countJobs(): Promise<readonly JobCount[]> {
    return this.#data.jobs.counts();
  }

  async rerouteHeldJobs(poolOf: (mimeType: string) => string): Promise<number> {
    return this.#data.jobs.reroute(poolOf);
  }

  async listJobs(query: JobQuery): Promise<JobPage> {
    return this.#data.jobs.page(query);
  }

  async dropFailedJob(guid: Guid): Promise<'dropped' | DeadLetterProblem> {
    return this.#data.jobs.drop(guid);
  }

  async retryFailedJob(retry: JobRetry): Promise<'retried' | DeadLetterProblem> {
    const { correspondent, placeholder, evictedIds } = retry;
    const { chats, jobs } = this.#data;
    const chat = chats.owned(correspondent, this.fence);
    const job = jobs.get(placeholder.mediaProcessingId);
    if (job === null || !isSameChat(job.correspondent, correspondent)) return 'not_found';
    if (job.collection !== 'failed') return 'not_failed';
    expectNextId(correspondent, chat.nextId, placeholder.id);
    chats.enqueue(chat, placeholder);
    chats.deleteReady(chat, evictedIds);
    jobs.retry(job, retry);
    return 'retried';
  }

  async expireJob(idle: IdleJob, error: JobError, now: number): Promise<MediaProcessingJob | null> {
    return this.#data.jobs.expire(idle, error, now);
  }

  async jobsAmong(guids: readonly Guid[]): Promise<readonly JobTrace[]> {
    const wanted = new Set(guids);
    return this.#data.jobs
      .all()
      .filter(({ guid }) => wanted.has(guid))
      .map(({ guid, collection, changedAt }) => ({ guid, collection, changedAt }));
  }

  async pruneHistory(botId: string, before: number): Promise<number> {
    return this.#data.chats.pruneHistory(botId, before);
  }

  async chatsNamed(botId: string, identifier: string): Promise<readonly CorrespondentRecord[]> {
    return this.#data.chats.named(botId, identifier);
  }

  async forgetChat(key: CorrespondentKey): Promise<ForgottenChat | null> {
    const { chats, jobs } = this.#data;
    if (!chats.has(key)) return null;
    const messages = chats.forget(chats.owned(key, this.fence));
    const media = jobs.forget(key).map(({ guid, media: { gatewayId } }) => ({ guid, gatewayId }));
    return { messages, media };
  }

  async history(
    key: CorrespondentKey,
    { afterSeq, limit }: { readonly afterSeq: number; readonly limit: number },
  ): Promise<readonly HistoryEntry[]> {
    return this.#data.chats
      .history(key)
      .filter(({ ingestSeq }) => ingestSeq > afterSeq)
      .slice(0, limit);
  }

  async findMessage(key: CorrespondentKey, id: number): Promise<StoredMessage | null> {
    return this.#data.chats.find(key, id);
  }

  async correspondents(botId: string, page?: ChatsPage): Promise<readonly CorrespondentRecord[]> {
    const all = this.#data.chats.records(botId);
    return page === undefined ? all : all.slice(page.offset, page.offset + page.limit);
  }

  async pruneMessageIds(before: number): Promise<number> {
    return this.#data.chats.forgetMessageIds(before);
  }

  async saveBot(bot: BotRecord): Promise<void> {
    this.#data.bots.set(bot.botId, bot);
  }

  async deleteBot(botId: string): Promise<void> {
    this.#data.bots.delete(botId);
  }

  async bots(): Promise<readonly BotRecord[]> {
    return [...this.#data.bots.values()].toSorted((a, b) => (a.botId < b.botId ? -1 : 1));
  }

  onClaimable(): void {}

  onCompleted(): void {}

  async close(): Promise<void> {
    this.#closed = true;
  }

  get #data(): MemoryDatabase {
    if (this.#closed)
      throw new DragomanError('store_unavailable', 'expected an open store, got a closed one');
    return this.#database;
  }
}

function expectNextId(key: CorrespondentKey, nextId: number, id: number): void {
  if (id >= nextId) return;
  throw new DragomanError(
    'invariant_broken',
    `expected ${chatName(key)} to go on from id ${nextId}, got ${id}: its owner's memory is out of date`,
  );
}
