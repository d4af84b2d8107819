import { resolve as resolvePath } from 'node:path';
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
import type { Message, Placeholder } from '../../queue/message.ts';
import { readSound } from '../documents.ts';
import { claimedJob, jobOfAcceptance, POISON } from '../job-records.ts';
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
import type { READS } from './operations/reads.ts';
import type { WRITES } from './operations/writes.ts';
import { prepareFile } from './prepare-file.ts';
import {
  correspondentOfRow,
  errorJson,
  historyEntryOfRow,
  jobOfRow,
  mediaMetadataJson,
  messageJson,
  messageOfRow,
  newJobRow,
  storedMessageOfRow,
} from './rows.ts';
import type { StoreLock } from './store-lock.ts';
import { StoreThread } from './store-thread.ts';

export interface SqliteStoreOptions {
  /** The database file; it and its folder are made when they are not there. */
  readonly file: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Longer than the longest operation takes, listing a bot's million jobs: past it, the thread is taken to be stuck. */
const STALL_MS = 300_000;
/** Duplicate keys, or messages of the history, that are deleted in one operation. */
const PRUNE_STEP = 2_000;
/** Chats that are named at a time. */
const CHATS_STEP = 1_000;
/** Jobs that are moved in one operation. */
const MOVE_STEP = 2_000;
/** More at start-up, when hardly anybody waits. */
const SWEEP_STEP = 5_000;

/**
 * Opens the embedded store: one SQLite file, one owner.
 * Rejects with `already_in_use`, `folder_unusable`, `store_corrupt` or `store_newer`; the message says what to do.
 */
export async function openSqliteStore({ file, clock, log }: SqliteStoreOptions): Promise<Store> {
  const path = resolvePath(file);
  const { lock, fence } = prepareFile(path, clock.now());
  const thread = { data: { file: path, fence }, clock, log, stallMs: STALL_MS };
  return new SqliteStore({
    fence,
    clock,
    log,
    lock,
    writer: new StoreThread({ ...thread, script: new URL('./writer-thread.ts', import.meta.url) }),
    reader: new StoreThread({ ...thread, script: new URL('./reader-thread.ts', import.meta.url) }),
  });
}

interface Parts {
  readonly fence: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly lock: StoreLock;
  readonly writer: StoreThread<typeof WRITES>;
  readonly reader: StoreThread<typeof READS>;
}

/**
 * Encodes, calls one of the two threads, decodes. Reads see every write whose promise has resolved.
 * What moves or deletes many rows is many operations, so that other writers get in between: each row is moved whole or
 * not at all, and a call that ended early is made again.
 */
export class SqliteStore implements Store {
  readonly fence: number;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #lock: StoreLock;
  readonly #writer: StoreThread<typeof WRITES>;
  readonly #reader: StoreThread<typeof READS>;
  #closing: Promise<void> | null = null;

  constructor({ fence, clock, log, lock, writer, reader }: Parts) {
    this.fence = fence;
    this.#clock = clock;
    this.#log = log;
    this.#lock = lock;
    this.#writer = writer;
    this.#reader = reader;
  }

  async resolveCorrespondent(
    botId: string,
    providerName: string,
    identifiers: readonly [string, ...string[]],
  ): Promise<CorrespondentRecord> {
    const now = this.#clock.now();
    return correspondentOfRow(
      await this.#writer.call('resolveCorrespondent', botId, providerName, identifiers, now),
    );
  }

  async rehydrate(
    key: CorrespondentKey,
  ): Promise<{ readonly nextId: number; readonly messages: readonly Message[] }> {
    const { nextId, rows } = await this.#writer.call('rehydrate', key);
    return { nextId, messages: rows.map((row) => messageOfRow(key, row)) };
  }

  chatsWithJournal(botId: string): Promise<readonly CorrespondentKey[]> {
    return this.#reader.call('chatsWithJournal', botId);
  }

  async accept(acceptance: Acceptance): Promise<AcceptOutcome> {
    const { correspondent, message, evictedIds } = acceptance;
    const job = jobOfAcceptance(acceptance);
    return this.#writer.call('accept', {
      key: correspondent,
      id: message.id,
      acceptedTime: message.acceptedTime,
      mediaProcessingId: message.mediaProcessingId,
      message: messageJson(message),
      sender: message.sender.identifier,
      fromMe: message.direction === 'outgoing',
      providerMessageId: message.providerMessageId,
      evictedIds,
      job: job && newJobRow(job, message),
    });
  }

  settle({ correspondent, guid, message, evictedIds, error }: Settlement): Promise<'settled' | 'gone'> {
    return this.#writer.call('settle', {
      key: correspondent,
      guid,
      id: message.id,
      readyTime: message.readyTime,
      message: messageJson(message),
      evictedIds,
      error: errorJson(error),
    });
  }

  discardJob(guid: Guid, error: JobError | null, now: number): Promise<boolean> {
    return this.#writer.call('discardJob', guid, errorJson(error), now);
  }

  async ingest({ correspondent, messages, now }: IngestBatch): Promise<{ readonly ingested: number }> {
    const ids = messages.map(({ id }) => id);
    return { ingested: await this.#writer.call('ingest', correspondent, ids, now) };
  }

  reinstate(
    key: CorrespondentKey,
    placeholder: Placeholder,
    evictedIds: readonly number[],
  ): Promise<'reinstated' | 'gone'> {
    const { id, mediaProcessingId: guid } = placeholder;
    return this.#writer.call('reinstate', { key, id, guid, message: messageJson(placeholder), evictedIds });
  }

  evict(key: CorrespondentKey, ids: readonly number[]): Promise<void> {
    return this.#writer.call('evict', key, ids);
  }

  stage(guid: Guid, staged: StagedMedia, now: number): Promise<'pending' | 'already' | 'unknown'> {
    const { mimeType, pool, media } = staged;
    return this.#writer.call('stage', guid, { mimeType, pool, mediaMetadata: mediaMetadataJson(media) }, now);
  }

  async claim(request: ClaimRequest): Promise<ClaimedJob | null> {
    const row = await this.#writer.call('claim', request);
    return row === undefined ? null : claimedJob(jobOfRow(row));
  }

  heartbeat(claim: ClaimHandle, leaseExpiresAt: number): Promise<boolean> {
    return this.#writer.call('heartbeat', handleOf(claim), leaseExpiresAt);
  }

  complete(claim: ClaimHandle, result: ProcessingResult, now: number): Promise<boolean> {
    const error = result.kind === 'failure' ? errorJson(result.error) : null;
    return this.#writer.call('complete', handleOf(claim), { words: result.words, error }, now);
  }

  release(claim: ClaimHandle, now: number): Promise<boolean> {
    return this.#writer.call('release', handleOf(claim), now);
  }

  postpone(claim: ClaimHandle, availableAt: number, error: JobError, now: number): Promise<boolean> {
    return this.#writer.call('postpone', handleOf(claim), availableAt, errorJson(error), now);
  }

  async reviveJobs(now: number, maxAttempts: number): Promise<RevivedJobs> {
    const { pools, poisoned, nextDueAt } = await this.#writer.call(
      'reviveJobs',
      now,
      maxAttempts,
      JSON.stringify(POISON),
    );
    return { pools, poisoned: readSound(poisoned, jobOfRow, this.#log), nextDueAt };
  }

  async sweepToHolding(now: number): Promise<number> {
    const seqs = await this.#reader.call('activeSeqs');
    let swept = 0;
    for (let start = 0; start < seqs.length; start += SWEEP_STEP) {
      swept += await this.#writer.call('sweepJobs', seqs.slice(start, start + SWEEP_STEP), now);
    }
    return swept;
  }

  holdJobs(botId: string, now: number): Promise<number> {
    return this.#moveJobs('holdJobs', botId, now);
  }

  promoteJobs(botId: string, now: number): Promise<number> {
    return this.#moveJobs('promoteJobs', botId, now);
  }

  async jobsOfBot(botId: string, page: BotJobsPage): Promise<BotJobs> {
    const rows = await this.#reader.call('jobsOfBot', botId, page);
    const nextAfterSeq = rows.length < page.limit ? null : (rows.at(-1)?.seq ?? null);
    return { jobs: readSound(rows, jobOfRow, this.#log), nextAfterSeq };
  }

  async jobByGuid(guid: Guid): Promise<MediaProcessingJob | null> {
    const row = await this.#writer.call('jobByGuid', guid);
    return row === undefined ? null : jobOfRow(row);
  }

  countJobs(): Promise<readonly JobCount[]> {
    return this.#reader.call('countJobs');
  }

  async rerouteHeldJobs(poolOf: (mimeType: string) => string): Promise<number> {
    const held = await this.#reader.call('heldTypes');
    const reroutes = held
      .map((type) => ({ ...type, newPool: poolOf(type.mimeType) }))
      .filter(({ pool, newPool }) => pool !== newPool);
    if (reroutes.length === 0) return 0;
    let total = 0;
    for (let afterSeq = 0; ;) {
      const step = await this.#writer.call('rerouteHeldJobs', { reroutes, afterSeq, atMost: MOVE_STEP });
      total += step.moved;
      if (step.lastSeq === null) return total;
      afterSeq = step.lastSeq;
    }
  }

  async listJobs(query: JobQuery): Promise<JobPage> {
    const { limit } = query;
    const rows = await this.#reader.call('listJobs', { ...query, limit: limit + 1 });
    const page = rows.slice(0, limit);
    return {
      jobs: readSound(page, jobOfRow, this.#log),
      nextBeforeSeq: rows.length > limit ? (page.at(-1)?.seq ?? null) : null,
    };
  }

  dropFailedJob(guid: Guid): Promise<'dropped' | DeadLetterProblem> {
    return this.#writer.call('dropFailedJob', guid);
  }

  retryFailedJob({
    correspondent,
    placeholder,
    evictedIds,
    mimeType,
    pool,
    collection,
  }: JobRetry): Promise<'retried' | DeadLetterProblem> {
    const { id, mediaProcessingId, acceptedTime: now } = placeholder;
    return this.#writer.call('retryFailedJob', {
      key: correspondent,
      id,
      mediaProcessingId,
      message: messageJson(placeholder),
      evictedIds,
      guid: mediaProcessingId,
      mimeType,
      pool,
      collection,
      now,
    });
  }

  async expireJob(idle: IdleJob, error: JobError, now: number): Promise<MediaProcessingJob | null> {
    const row = await this.#writer.call('expireJob', idle, JSON.stringify(error), now);
    return row === undefined ? null : jobOfRow(row);
  }

  jobsAmong(guids: readonly Guid[]): Promise<readonly JobTrace[]> {
    return this.#reader.call('jobsAmong', guids);
  }

  async pruneHistory(botId: string, before: number): Promise<number> {
    let pruned = 0;
    for (let afterChat = 0; ;) {
      const chats = await this.#reader.call('chatsAfter', botId, afterChat, CHATS_STEP);
      for (const chat of chats) pruned += await this.#pruneHistory({ botId, ...chat }, before);
      const last = chats.at(-1);
      if (last === undefined || chats.length < CHATS_STEP) return pruned;
      afterChat = last.chat;
    }
  }

  async chatsNamed(botId: string, identifier: string): Promise<readonly CorrespondentRecord[]> {
    const rows = await this.#reader.call('chatsNamed', botId, identifier);
    return rows.map(correspondentOfRow);
  }

  async forgetChat(key: CorrespondentKey): Promise<ForgottenChat | null> {
    const ingested = await this.#pruneHistory(key, Number.MAX_SAFE_INTEGER);
    try {
      const { queued, media } = await this.#writer.call('forgetChat', key);
      return { messages: ingested + queued, media };
    } catch (error) {
      if (hasCode(error, 'not_found')) return null;
      throw error;
    }
  }

  async history(
    key: CorrespondentKey,
    { afterSeq, limit }: { readonly afterSeq: number; readonly limit: number },
  ): Promise<readonly HistoryEntry[]> {
    const rows = await this.#reader.call('history', key, afterSeq, limit);
    return rows.map((row) => historyEntryOfRow(key, row));
  }

  async findMessage(key: CorrespondentKey, id: number): Promise<StoredMessage | null> {
    const row = await this.#reader.call('findMessage', key, id);
    return row === undefined ? null : storedMessageOfRow(key, row);
  }

  async correspondents(botId: string, page?: ChatsPage): Promise<readonly CorrespondentRecord[]> {
    const rows = await this.#reader.call('correspondents', botId, page);
    return rows.map(correspondentOfRow);
  }

  async pruneMessageIds(before: number): Promise<number> {
    let pruned = 0;
    for (;;) {
      const step = await this.#writer.call('pruneMessageIds', before, PRUNE_STEP);
      pruned += step;
      if (step < PRUNE_STEP) return pruned;
    }
  }

  saveBot(bot: BotRecord): Promise<void> {
    return this.#writer.call('saveBot', bot);
  }

  deleteBot(botId: string): Promise<void> {
    return this.#writer.call('deleteBot', botId);
  }

  bots(): Promise<readonly BotRecord[]> {
    return this.#reader.call('bots');
  }

  onClaimable(): void {}

  onCompleted(): void {}

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Goes once through the bot's jobs in seq order: it ends even where another call moves them back behind it. */
  async #moveJobs(operation: 'holdJobs' | 'promoteJobs', botId: string, now: number): Promise<number> {
    let moved = 0;
    for (let afterSeq = 0; ;) {
      const step = await this.#writer.call(operation, { botId, now, afterSeq, atMost: MOVE_STEP });
      moved += step.length;
      const lastSeq = step.at(-1);
      if (lastSeq === undefined || step.length < MOVE_STEP) return moved;
      afterSeq = lastSeq;
    }
  }

  async #pruneHistory(
    { botId, providerName, correspondentId }: CorrespondentKey,
    before: number,
  ): Promise<number> {
    const key = { botId, providerName, correspondentId };
    let pruned = 0;
    for (;;) {
      const step = await this.#writer.call('pruneHistory', key, before, PRUNE_STEP);
      pruned += step;
      if (step < PRUNE_STEP) return pruned;
    }
  }

  async #close(): Promise<void> {
    await this.#reader.close();
    await this.#writer.close();
    this.#lock.release();
  }
}

/** Callers may pass the whole claimed job, of which the thread needs no copy. */
const handleOf = ({ guid, claimToken }: ClaimHandle): ClaimHandle => ({ guid, claimToken });
