import type { Guid } from '../base/ids.ts';
import type { CorrespondentKey, JobError, MediaMetadata } from '../jobs/job.ts';
import type { Message, Placeholder, ReadyMessage } from '../queue/message.ts';

/** A chat's messages, from the journal to the history, by the chat's owner. */
export interface MessageStore {
  /** What a chat's owner needs in memory: its journal in id order, and its next id. */
  rehydrate(
    key: CorrespondentKey,
  ): Promise<{ readonly nextId: number; readonly messages: readonly Message[] }>;
  /** Journal entry, next id, duplicate key, job, evictions. A duplicate writes nothing. */
  accept(acceptance: Acceptance): Promise<AcceptOutcome>;
  /** Journal entry ← text, evictions; the job is deleted, or moved to `failed` when it carries an error. */
  settle(settlement: Settlement): Promise<SettleOutcome>;
  /** `complete` and `settle` at once, where worker and owner are one process. */
  completeAndSettle(settlement: ClaimedSettlement): Promise<ClaimedSettleOutcome>;
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
  /** History of a chat in `ingestSeq` order, after `afterSeq`. */
  history(
    key: CorrespondentKey,
    page: { readonly afterSeq: number; readonly limit: number },
  ): Promise<readonly HistoryEntry[]>;
  /** One message of a chat, by its place, wherever it is; null when it was never there, was evicted or is forgotten. */
  findMessage(key: CorrespondentKey, id: number): Promise<StoredMessage | null>;
  /** Deletes the bot's history that was ingested before `before`. Returns how many messages went. */
  pruneHistory(botId: string, before: number): Promise<number>;
  /** Forgets duplicate keys first seen before `before`. Returns how many went. */
  pruneMessageIds(before: number): Promise<number>;
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
  /** `downloading`: claimable once staged. `staged`: the gateway sent it after the download. `failed`: it never will be. */
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

/** `gone`: no placeholder with that GUID is in the journal (settled before); a job left over by it goes all the same. */
export type SettleOutcome = 'settled' | 'gone';
/** `stale`: the claim's token is, nothing was written. */
export type ClaimedSettleOutcome = SettleOutcome | 'stale';

/** What a worker made of a claimed job, and what its chat makes of that. */
export interface ClaimedSettlement extends Settlement {
  readonly claimToken: string;
  /** The worker's result, as it is kept on a job. */
  readonly words: string;
  readonly completedAt: number;
}

export interface IngestBatch {
  readonly correspondent: CorrespondentKey;
  readonly messages: readonly ReadyMessage[];
  readonly now: number;
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
