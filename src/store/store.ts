import type { Guid } from '../base/ids.ts';
import type {
  ClaimedJob,
  CorrespondentKey,
  JobCollection,
  JobError,
  JobStatus,
  MediaMetadata,
  MediaProcessingJob,
  ProcessingResult,
} from '../jobs/job.ts';
import type { Message, Placeholder, ReadyMessage } from '../queue/message.ts';

/**
 * The durable side of Dragoman. Two adapters pass one contract suite (test/contract).
 *
 *   S1 Each method that writes is one transaction: all of it is durable when the promise resolves, or none of it
 *      is there. A rejection with `store_unavailable` means the outcome is unknown: forget and rehydrate.
 *      What works on any number of jobs or keys may be several transactions, each row in one: it can be called again.
 *   S2 Every transaction of a chat also updates that chat's document where `fence <= mine`, and rejects with
 *      `fenced` when a newer owner has been there.
 *   S3 A message is in exactly one of journal and history; only ready messages are ever in the history.
 *   S4 A GUID has at most one job over all collections. A journal entry is a placeholder if and only if an active
 *      or holding job has its GUID.
 *   S5 A claim token is valid until its job is completed, released, revived or claimed again; a stale token changes nothing.
 *   S6 `ingestSeq` rises by one per correspondent in insertion order.
 *   S7 Expected outcomes are values; only faults reject.
 *
 * Times are epoch milliseconds from the caller's clock. (MongoDB leases use the server's instead.)
 */
export interface Store {
  /** The fencing token of this owner; rises with each owner of the store. */
  readonly fence: number;

  // ── Chats ────────────────────────────────────────────────────────────────────────────────────────────────────
  /**
   * Finds the chat that any of `identifiers` names, or makes one whose `correspondentId` is the first of them.
   * Identifiers not seen before become aliases. Where two chats match, the older one is returned and takes the
   * aliases and the duplicate keys; the other keeps its own id alone and drains.
   */
  resolveCorrespondent(
    botId: string,
    providerName: string,
    identifiers: readonly [string, ...string[]],
  ): Promise<CorrespondentRecord>;
  /** What a chat's owner needs in memory: its journal in id order, and its next id. */
  rehydrate(
    key: CorrespondentKey,
  ): Promise<{ readonly nextId: number; readonly messages: readonly Message[] }>;
  /** The bot's chats whose journal is not empty. */
  chatsWithJournal(botId: string): Promise<readonly CorrespondentKey[]>;

  // ── The three transactions of a message ──────────────────────────────────────────────────────────────────────
  /** Journal entry, next id, duplicate key, job, evictions. A duplicate writes nothing. */
  accept(acceptance: Acceptance): Promise<AcceptOutcome>;
  /**
   * Journal entry ← text, evictions; the job is deleted, or moved to `failed` when it carries an error.
   * `gone`: no placeholder with that GUID is in the journal (settled before); a job left over by it goes all the same.
   */
  settle(settlement: Settlement): Promise<'settled' | 'gone'>;
  /** Ends a job whose placeholder is not in the journal: deleted, or moved to `failed` with `error`. False: no live job. */
  discardJob(guid: Guid, error: JobError | null, now: number): Promise<boolean>;
  /** Moves ready messages from the journal to the history, in the order given. Ids no longer in the journal are skipped. */
  ingest(batch: IngestBatch): Promise<{ readonly ingested: number }>;
  /**
   * Puts back a placeholder's journal entry that was lost while its job lives, with what that evicts; the chat's next
   * id rises above it. `gone`: its id or GUID is in the journal, its id is in the history, or this chat has no live job
   * with its GUID.
   */
  reinstate(
    key: CorrespondentKey,
    placeholder: Placeholder,
    evictedIds: readonly number[],
  ): Promise<'reinstated' | 'gone'>;
  /** Deletes journal entries that grew too old. */
  evict(key: CorrespondentKey, ids: readonly number[]): Promise<void>;

  // ── A job's life ─────────────────────────────────────────────────────────────────────────────────────────────
  /** The file is there, or is known never to come: the job becomes pending in its pool. `unknown`: no live job. */
  stage(guid: Guid, staged: StagedMedia, now: number): Promise<'pending' | 'already' | 'unknown'>;
  /** Takes the next job of a pool by the fairness rule (src/jobs/fairness.ts), or null when none may be taken. */
  claim(request: ClaimRequest): Promise<ClaimedJob | null>;
  /** Prolongs a lease. False: the token is stale, stop working. */
  heartbeat(claim: ClaimHandle, leaseExpiresAt: number): Promise<boolean>;
  /** The worker's last act. False: the token is stale, nothing was written. */
  complete(claim: ClaimHandle, result: ProcessingResult, now: number): Promise<boolean>;
  /** Gives a job back untried: no attempt is counted, round and seq are kept. */
  release(claim: ClaimHandle, now: number): Promise<boolean>;
  /** Counts an attempt and puts the job in `waiting` until `availableAt`. */
  postpone(claim: ClaimHandle, availableAt: number, error: JobError, now: number): Promise<boolean>;
  /**
   * Waiting jobs that are due and processing jobs whose lease ended become pending; a lapsed lease counts as an
   * attempt. A job that has used up `maxAttempts` is completed with `worker_died` instead. Works on all bots.
   * A damaged job is logged and left out of what is returned.
   */
  reviveJobs(now: number, maxAttempts: number): Promise<RevivedJobs>;

  // ── A bot's life ─────────────────────────────────────────────────────────────────────────────────────────────
  /** All active jobs → holding; processing without a live lease → pending. Returns how many moved. */
  sweepToHolding(now: number): Promise<number>;
  /** The bot's active jobs → holding. */
  holdJobs(botId: string, now: number): Promise<number>;
  /** The bot's held jobs → active; processing without a live lease → pending; completed ones stay for the reaper. */
  promoteJobs(botId: string, now: number): Promise<number>;
  /** A page of the bot's jobs in a collection, in seq order. A damaged one is logged and left out. */
  jobsOfBot(botId: string, page: BotJobsPage): Promise<BotJobs>;
  jobByGuid(guid: Guid): Promise<MediaProcessingJob | null>;
  /** Jobs by pool, collection and state, for logs and metrics. */
  countJobs(): Promise<readonly JobCount[]>;
  /**
   * Held jobs whose pool is not the one that `poolOf` gives their MIME type are moved there, as after a change of the
   * configuration; their state stays as it is. Returns how many.
   */
  rerouteHeldJobs(poolOf: (mimeType: string) => string): Promise<number>;

  // ── Looking after jobs ───────────────────────────────────────────────────────────────────────────────────────
  /** Jobs of a collection, the newest first, a page at a time. A damaged one is logged and left out. */
  listJobs(query: JobQuery): Promise<JobPage>;
  /** Forgets a dead letter. */
  dropFailedJob(guid: Guid): Promise<'dropped' | DeadLetterProblem>;
  /**
   * Gives a dead letter another life: its placeholder takes a place of its own in the journal, with what that evicts,
   * and the job is pending again, without attempts, result and error.
   */
  retryFailedJob(retry: JobRetry): Promise<'retried' | DeadLetterProblem>;

  // ── Upkeep ───────────────────────────────────────────────────────────────────────────────────────────────────
  /**
   * Completes an idle job with `error`, so that it is settled like any other. Null: it was changed since `changedAt`, is
   * leased or completed, or is no live job, and was left alone.
   */
  expireJob(idle: IdleJob, error: JobError, now: number): Promise<MediaProcessingJob | null>;
  /** Those of `guids` that have a job, dead letters included, at one point in time. */
  jobsAmong(guids: readonly Guid[]): Promise<readonly JobTrace[]>;
  /** Deletes the bot's history that was ingested before `before`. Returns how many messages went. */
  pruneHistory(botId: string, before: number): Promise<number>;
  /** The chats that were merged into the one that an identifier names, then that one; of every provider. */
  chatsNamed(botId: string, identifier: string): Promise<readonly CorrespondentRecord[]>;
  /**
   * Deletes all of a chat: history, journal, jobs in every collection, duplicate keys, aliases, its own record; those that
   * were merged into it go first. Whoever writes again gets a new chat, whose ids and ingest seqs go on above those of
   * every forgotten one. Null: no such chat.
   */
  forgetChat(key: CorrespondentKey): Promise<ForgottenChat | null>;

  // ── Reading ──────────────────────────────────────────────────────────────────────────────────────────────────
  /** History of a chat in `ingestSeq` order, after `afterSeq`. */
  history(
    key: CorrespondentKey,
    page: { readonly afterSeq: number; readonly limit: number },
  ): Promise<readonly HistoryEntry[]>;
  /** One message of a chat, by its place, wherever it is; null when it was never there, was evicted or is forgotten. */
  findMessage(key: CorrespondentKey, id: number): Promise<StoredMessage | null>;
  /** The bot's chats in the order in which they were made; all of them, or those of one page. */
  correspondents(botId: string, page?: ChatsPage): Promise<readonly CorrespondentRecord[]>;
  /** Forgets duplicate keys first seen before `before`. Returns how many went. */
  pruneMessageIds(before: number): Promise<number>;
  saveBot(bot: BotRecord): Promise<void>;
  bots(): Promise<readonly BotRecord[]>;
  /** Forgets the record alone: what was said in its chats, and what waits in them, stays. */
  deleteBot(botId: string): Promise<void>;

  // ── Other processes ──────────────────────────────────────────────────────────────────────────────────────────
  /**
   * Tells `listener` of each pool in which a job may have become claimable, whichever process made it so, until the store
   * is closed. Never, where one process has the store to itself.
   */
  onClaimable(listener: (pool: string) => void): void;
  /** Tells `listener`, in the same way, of jobs that may have been completed by a worker of another process. */
  onCompleted(listener: (job: MediaProcessingJob) => void): void;

  /** Finishes what was begun, then lets go of the store. */
  close(): Promise<void>;
}

/** What a process that only works needs of a store that several share: it can claim jobs, and write to no chat. */
export type WorkerStore = Pick<
  Store,
  | 'claim'
  | 'heartbeat'
  | 'complete'
  | 'release'
  | 'postpone'
  | 'reviveJobs'
  | 'jobByGuid'
  | 'onClaimable'
  | 'close'
>;

export interface CorrespondentRecord extends CorrespondentKey {
  /** Every identifier of the chat, `correspondentId` included. */
  readonly aliases: readonly string[];
  readonly nextId: number;
  readonly nextIngestSeq: number;
  readonly createdAt: number;
}

/** `limit`: at least 1. */
export interface ChatsPage {
  readonly offset: number;
  readonly limit: number;
}

export interface Acceptance {
  readonly correspondent: CorrespondentKey;
  readonly message: Message;
  readonly evictedIds: readonly number[];
  readonly job: NewJob | null;
}

/** `id`: the place that the first copy was given. */
export type AcceptOutcome =
  { readonly kind: 'accepted' } | { readonly kind: 'duplicate'; readonly id: number };

/** A medium announced: where its job starts its life. */
export interface NewJob {
  readonly guid: Guid;
  readonly mimeType: string;
  readonly originalFilename: string | null;
  readonly gatewayId: string;
  /** `downloading`: claimable once staged. `staged`: the gateway sent it after the download. `failed`: a dead letter at birth. */
  readonly start:
    | { readonly kind: 'downloading' }
    | { readonly kind: 'staged'; readonly media: StagedMedia }
    | { readonly kind: 'failed'; readonly error: JobError; readonly placeholder: Placeholder };
  /** `holding` while the bot is not connected. */
  readonly collection: 'active' | 'holding';
}

export interface StagedMedia {
  readonly mimeType: string;
  readonly pool: string;
  readonly media: MediaMetadata;
}

export interface Settlement {
  readonly correspondent: CorrespondentKey;
  readonly guid: Guid;
  readonly message: ReadyMessage;
  readonly evictedIds: readonly number[];
  /** Null: the job is deleted. Otherwise it moves to `failed` with this error. */
  readonly error: JobError | null;
}

export interface IngestBatch {
  readonly correspondent: CorrespondentKey;
  readonly messages: readonly ReadyMessage[];
  readonly now: number;
}

export interface ClaimRequest {
  readonly pool: string;
  readonly now: number;
  readonly leaseMs: number;
  /** Bots at this process's in-flight cap: not to be served now. */
  readonly cappedBots: readonly string[];
}

export interface ClaimHandle {
  readonly guid: Guid;
  readonly claimToken: string;
}

export interface RevivedJobs {
  /** Pools that have claimable work again. */
  readonly pools: readonly string[];
  /** Jobs that are completed now, because every attempt killed its worker. */
  readonly poisoned: readonly MediaProcessingJob[];
  /** When the next waiting job or lease is due; null when there is none. */
  readonly nextDueAt: number | null;
}

/** Which of a bot's jobs, after `afterSeq` and at most `limit` of them. */
export interface BotJobsPage {
  readonly collection: JobCollection;
  readonly statuses?: readonly JobStatus[];
  /** Only those whose last change of state or collection was before. */
  readonly changedBefore?: number;
  /** 0 for the first page. */
  readonly afterSeq: number;
  readonly limit: number;
}

export interface BotJobs {
  readonly jobs: readonly MediaProcessingJob[];
  /** Null: this was the last page. */
  readonly nextAfterSeq: number | null;
}

/** A job as it was seen when nobody worked on it. */
export interface IdleJob {
  readonly guid: Guid;
  readonly changedAt: number;
}

/** That a GUID has a job, and where. */
export interface JobTrace {
  readonly guid: Guid;
  readonly collection: JobCollection;
  readonly changedAt: number;
}

/** What a forgotten chat leaves to be seen to: the files of its jobs. */
export interface ForgottenChat {
  /** Of journal and history. */
  readonly messages: number;
  readonly media: readonly { readonly guid: Guid; readonly gatewayId: string }[];
}

export interface HistoryEntry {
  readonly ingestSeq: number;
  readonly ingestedAt: number;
  readonly message: ReadyMessage;
}

/** `ingestedAt`: when it went into the history; null while it is in the journal. */
export interface StoredMessage {
  readonly message: Message;
  readonly ingestedAt: number | null;
}

export interface JobCount {
  readonly pool: string | null;
  readonly collection: JobCollection;
  readonly status: JobStatus;
  readonly count: number;
  readonly oldestCreatedAt: number;
}

export interface JobQuery {
  readonly collection: JobCollection;
  readonly filter: {
    readonly botId?: string | undefined;
    readonly pool?: string | undefined;
    readonly status?: JobStatus | undefined;
  };
  /** Where the last page ended; null for the first. */
  readonly beforeSeq: number | null;
  /** At least 1. */
  readonly limit: number;
}

export interface JobPage {
  /** The newest first. */
  readonly jobs: readonly MediaProcessingJob[];
  /** `beforeSeq` of the next page; null when this is the last. */
  readonly nextBeforeSeq: number | null;
}

/** `not_failed`: the job is alive. */
export type DeadLetterProblem = 'not_found' | 'not_failed';

export interface JobRetry {
  readonly correspondent: CorrespondentKey;
  /** With the next id of the chat, and the job's GUID. */
  readonly placeholder: Placeholder;
  readonly evictedIds: readonly number[];
  readonly mimeType: string;
  readonly pool: string;
  /** `holding` while the bot is not connected. */
  readonly collection: 'active' | 'holding';
}

/** What is kept of a bot beside what a configuration says. */
export interface BotRecord {
  readonly botId: string;
  readonly providerName: string;
  /** The gateway that paired it. */
  readonly gatewayId: string;
  readonly createdAt: number;
  /** Its operator wants it stopped. */
  readonly stopped: boolean;
  /** The number of the account that its operator wants linked by a code; null: by a QR code, or as configured. */
  readonly pairingPhone: string | null;
  /** Of a bot that was added at run time: its settings as a configuration would have them, in JSON. */
  readonly settings: string | null;
}
