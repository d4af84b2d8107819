import type { Collection, Db, Document, IndexDescription } from 'mongodb';
import type { JobCollection } from '../../jobs/job.ts';
import type { ChatFields, JobDocument, MessageDocument } from '../documents.ts';
import { JOB_COLLECTION_NAMES } from '../records.ts';

/** The collections of the MongoDB store, their documents and their indexes. */

/** Owners are told apart in the upper bits of the numbers that they give to chats, bots and jobs, 2^21 of them. */
export const NUMBERS_PER_OWNER = 2 ** 32;

export interface CorrespondentDocument extends ChatFields {
  /** Order in which the chats were made. */
  readonly _id: number;
  /** The identifiers that name this chat; none when it was merged into an older one and drains. */
  readonly aliases?: readonly string[];
  readonly next_id: number;
  readonly next_ingest_seq: number;
  /** The newest owner that has written to this chat. */
  readonly fence: number;
  /** Counts the chat's transactions: without a real write, two of them would not conflict. */
  readonly revision: number;
  readonly created_at: number;
}

export type JournalDocument = ChatFields & MessageDocument;

export type HistoryDocument = JournalDocument & {
  readonly ingest_seq: number;
  readonly ingested_at: number;
};

export interface MessageIdDocument {
  /** The duplicate key. `chat` is the correspondent's `_id`. */
  readonly _id: {
    readonly chat: number;
    readonly provider_message_id: string;
    readonly sender: string;
    readonly from_me: boolean;
  };
  /** The place that the first copy was given. */
  readonly id: number;
  readonly first_seen_at: number;
}

/** A bot's place in one pool, see src/jobs/fairness.ts. */
export interface TurnDocument {
  /** Order in which the bots came. */
  readonly _id: number;
  readonly pool: string;
  readonly bot_id: string;
  readonly turn: number;
  readonly round: number;
  /** Counts the jobs that became claimable: without a real write, an arrival would not conflict with a claim. */
  readonly arrivals: number;
  readonly claimable: boolean;
}

export interface BotDocument {
  readonly bot_id: string;
  readonly provider_name: string;
  readonly gateway_id: string;
  readonly created_at: number;
  /** None of these in records of before they were kept. */
  readonly stopped?: boolean;
  readonly pairing_phone?: string | null;
  readonly settings?: string | null;
  readonly removed?: boolean;
}

/** What the store is: one document each. */
export interface MetaDocument {
  readonly _id: 'schema' | 'owner' | 'fence' | 'first_id' | 'first_ingest_seq';
  /**
   * Of `schema`: the newest program version that has opened the store. Of `owner`: the newest owner's fence. Of `fence`:
   * the same once its owner writes; apart, for an owner's open transactions must not hold up who takes its lease. Of the
   * others: where a new chat's numbers begin, above those of every forgotten one.
   */
  readonly value: number;
  /** Of `owner`: who it is, and until when by the server's clock. Not there when it was opened without a lease. */
  readonly holder?: string;
  readonly lease_expires_at?: number;
  /** Of `fence`: counts what is only the owner's to do and touches no chat, or many. */
  readonly revision?: number;
}

export interface Collections {
  readonly correspondents: Collection<CorrespondentDocument>;
  readonly journal: Collection<JournalDocument>;
  readonly history: Collection<HistoryDocument>;
  readonly messageIds: Collection<MessageIdDocument>;
  readonly turns: Collection<TurnDocument>;
  readonly bots: Collection<BotDocument>;
  readonly meta: Collection<MetaDocument>;
  readonly jobs: Readonly<Record<JobCollection, Collection<JobDocument>>>;
}

type Readable<T extends Document> = Pick<Collection<T>, 'find' | 'findOne' | 'aggregate' | 'distinct'>;
type ReadableOf<C> = C extends Collection<infer T> ? Readable<T> : never;

/** The collections as whoever has not shown that they are its to write has them (operations/writing.ts). */
export type ReadableCollections = {
  readonly [Name in Exclude<keyof Collections, 'jobs'>]: ReadableOf<Collections[Name]>;
} & { readonly jobs: Readonly<Record<JobCollection, Readable<JobDocument>>> };

/** What is written under a claim token, and for the turns of what may be claimed. */
export type WorkCollections = ReadableCollections & Pick<Collections, 'jobs' | 'turns'>;

export const metaOf = (database: Db): Collection<MetaDocument> => database.collection('meta');

export const collectionsOf = (database: Db): Collections => ({
  correspondents: database.collection('correspondents'),
  journal: database.collection('queue_journal'),
  history: database.collection('queues'),
  messageIds: database.collection('message_ids'),
  turns: database.collection('media_turns'),
  bots: database.collection('bots'),
  meta: metaOf(database),
  jobs: {
    active: database.collection(JOB_COLLECTION_NAMES.active),
    holding: database.collection(JOB_COLLECTION_NAMES.holding),
    failed: database.collection(JOB_COLLECTION_NAMES.failed),
  },
});

/** A journal entry that is words. */
export const READY = { media_processing_id: { $exists: false } } as const;

/** The server's clock in epoch milliseconds, in an aggregation expression. */
export const SERVER_NOW = { $toLong: '$$NOW' } as const;

/** Whether a job is processed under a lease that has ended by the server's clock, as an aggregation expression. */
export const HAS_LAPSED = {
  $and: [{ $eq: ['$status', 'processing'] }, { $lte: ['$lease_expires_at', SERVER_NOW] }],
} as const satisfies Document;

/** Whether a waiting job's back-off is over, likewise. */
export const HAS_WAITED = { $lte: ['$available_at', SERVER_NOW] } as const satisfies Document;

const OF_CHAT = { bot_id: 1, provider_name: 1, correspondent_id: 1 } as const;
const BY_GUID: IndexDescription = { key: { guid: 1 }, unique: true };
const BY_BOT: IndexDescription = { key: { bot_id: 1, seq: 1 } };
/** Few at any time: their bots' owner settles them at once. */
const COMPLETED: IndexDescription = {
  key: { seq: 1 },
  partialFilterExpression: { status: 'completed' },
};
const BY_SEQ: IndexDescription = { key: { seq: 1 } };
const pending = (key: Record<string, 1>): IndexDescription => ({
  key,
  partialFilterExpression: { status: 'pending' },
});
const LEASED: IndexDescription = {
  key: { lease_expires_at: 1 },
  partialFilterExpression: { status: 'processing' },
};
const WAITING: IndexDescription = {
  key: { available_at: 1 },
  partialFilterExpression: { status: 'waiting' },
};

/** Every index but those on `_id`, by collection. */
export const INDEXES: Readonly<Record<string, readonly IndexDescription[]>> = {
  correspondents: [
    { key: OF_CHAT, unique: true },
    // A drained chat has no aliases; several of them must not collide as nulls.
    {
      key: { bot_id: 1, provider_name: 1, aliases: 1 },
      unique: true,
      partialFilterExpression: { aliases: { $exists: true } },
    },
  ],
  queue_journal: [{ key: { ...OF_CHAT, id: 1 }, unique: true }],
  queues: [
    { key: { ...OF_CHAT, id: 1 }, unique: true },
    { key: { ...OF_CHAT, ingest_seq: 1 }, unique: true },
  ],
  message_ids: [{ key: { first_seen_at: 1 } }],
  media_turns: [
    { key: { pool: 1, bot_id: 1 }, unique: true },
    { key: { pool: 1, claimable: 1, turn: 1, _id: 1 } },
  ],
  bots: [{ key: { bot_id: 1 }, unique: true }],
  [JOB_COLLECTION_NAMES.active]: [
    BY_GUID,
    BY_BOT,
    pending({ pool: 1, bot_id: 1, round: 1, seq: 1 }),
    pending({ pool: 1, bot_id: 1, correspondent_id: 1, round: 1 }),
    LEASED,
    WAITING,
    COMPLETED,
  ],
  [JOB_COLLECTION_NAMES.holding]: [BY_GUID, BY_BOT, LEASED, WAITING, COMPLETED],
  [JOB_COLLECTION_NAMES.failed]: [BY_GUID, BY_BOT, BY_SEQ],
};
