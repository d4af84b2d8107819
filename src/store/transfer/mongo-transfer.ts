import { setTimeout } from 'node:timers/promises';
import { BSON, type ClientSession, type Collection, type Db, type Document, type MongoClient } from 'mongodb';
import { DragomanError } from '../../base/errors.ts';
import { collectionsOf, metaOf } from '../mongo/collections.ts';
import { openingFailure } from '../mongo/mongo-errors.ts';
import { appName, databaseName, newClient } from '../mongo/open-mongo-store.ts';
import { prepareDatabase } from '../mongo/prepare-database.ts';
import { COPY_MARK_COLLECTION, refuseUnfinishedCopy } from '../mongo/unfinished-copy.ts';
import {
  type CopyMark,
  type Page,
  portable,
  type PortableRecord,
  type Section,
  type Source,
  type Target,
  without,
} from './records.ts';

/** How a section lies in its collection. */
interface Layout {
  readonly collection: string;
  readonly filter?: Document;
  readonly record: (document: Document) => PortableRecord;
  readonly document: (record: PortableRecord) => Document;
}

const CHAT = ['bot_id', 'provider_name', 'correspondent_id'] as const;
const CALL_DEADLINE_MS = 30_000;
const LOOKS_FOR_OTHERS = 12;
const LOOK_EVERY_MS = 250;

const plain = (collection: string): Layout => ({
  collection,
  record: (document) => without(document, '_id'),
  document: (record) => record,
});

const messages = (collection: string, ...beside: readonly string[]): Layout => ({
  collection,
  record(document) {
    const outside = [...CHAT, 'id', ...beside];
    const message = without(document, '_id', ...CHAT, ...beside);
    return { ...Object.fromEntries(outside.map((name) => [name, document[name]])), message };
  },
  document: ({ message, ...record }) => ({ ...record, ...Object(message) }),
});

/** The store asks for fields that hold nothing by null. */
const jobs = (collection: string): Layout => ({
  ...plain(collection),
  document: (record) => ({ ...NO_JOB_FIELDS, ...record }),
});

const NO_JOB_FIELDS = {
  pool: null,
  original_filename: null,
  result: null,
  error: null,
  claim_token: null,
  lease_expires_at: null,
  available_at: null,
};

const LAYOUTS: Readonly<Record<Section, Layout>> = {
  bots: {
    ...plain('bots'),
    record: ({ stopped = false, removed = false, ...document }) => ({
      ...without(document, '_id'),
      stopped,
      removed,
    }),
  },
  correspondents: {
    collection: 'correspondents',
    record({ _id, aliases = [], ...document }) {
      return { ...without(document, 'revision'), chat: _id, aliases };
    },
    // a drained chat has no aliases at all
    document: ({ chat, aliases, ...record }) => ({
      _id: chat,
      ...record,
      ...(Array.isArray(aliases) && aliases.length > 0 && { aliases }),
      revision: 0,
    }),
  },
  message_ids: {
    collection: 'message_ids',
    record: ({ _id, ...document }) => ({ ...document, ..._id }),
    document: ({ chat, provider_message_id, sender, from_me, ...record }) => ({
      _id: { chat, provider_message_id, sender, from_me },
      ...record,
    }),
  },
  queue_journal: messages('queue_journal'),
  queues: messages('queues', 'ingest_seq', 'ingested_at'),
  media_turns: {
    collection: 'media_turns',
    record: ({ _id, ...document }) => ({ ...document, order: _id }),
    document: ({ order, ...record }) => ({ _id: order, ...record }),
  },
  media_processing_jobs: jobs('media_processing_jobs'),
  media_processing_jobs_holding: jobs('media_processing_jobs_holding'),
  media_processing_jobs_failed: jobs('media_processing_jobs_failed'),
  counters: {
    collection: 'meta',
    filter: { _id: { $in: ['first_id', 'first_ingest_seq'] } },
    record: ({ _id, value }) => ({ name: _id, value }),
    document: ({ name, value }) => ({ _id: name, value }),
  },
};

/** A database that no backend has open, as the source or the target of a copy. */
export class MongoTransfer implements Source, Target {
  readonly name: string;
  readonly #client: MongoClient;
  readonly #database: Db;

  private constructor(client: MongoClient, database: Db) {
    this.name = `mongodb://${client.options.hosts.join(',')}/${database.databaseName}`;
    this.#client = client;
    this.#database = database;
  }

  /** Rejects with `already_in_use` when a backend or worker has it open, and with what `openMongoStore` rejects with. */
  static async open(url: string, role: 'source' | 'target'): Promise<MongoTransfer> {
    const client = newClient(url, { callDeadlineMs: CALL_DEADLINE_MS, appName: `${appName(url)}:migrate` });
    try {
      const database = client.db(databaseName(url));
      const transfer = new MongoTransfer(client, database);
      await transfer.#expectNobodyElse(appName(url));
      if (role === 'source') {
        if ((await metaOf(database).countDocuments()) === 0) {
          throw new DragomanError('not_found', `there is no store ${transfer.name}`);
        }
        await refuseUnfinishedCopy(database);
      }
      await prepareDatabase(database, 'copy');
      return transfer;
    } catch (error) {
      await client.close();
      throw openingFailure(`MongoDB at ${client.options.hosts.join(', ')}`, error);
    }
  }

  async fence(): Promise<number> {
    return (await metaOf(this.#database).findOne({ _id: 'owner' }))?.value ?? 0;
  }

  /** A new fence, in every chat too: the writes of an owner that comes back from a broken network find a newer one. */
  async freeze(): Promise<number> {
    const fence = (await this.fence()) + 1;
    await this.#raiseFence(fence);
    await collectionsOf(this.#database).correspondents.updateMany({}, { $set: { fence } });
    return fence;
  }

  count(section: Section): Promise<number> {
    return this.#collection(section).countDocuments(LAYOUTS[section].filter ?? {});
  }

  async read(section: Section, cursor: string | null, atMost: number): Promise<Page> {
    const { filter = {}, record } = LAYOUTS[section];
    const after: Document =
      cursor === null ? {} : { _id: { $gt: BSON.EJSON.parse(cursor, { relaxed: false }) } };
    const documents = await this.#collection(section)
      .find({ $and: [filter, after] }, { sort: { _id: 1 }, limit: atMost })
      .toArray();
    const last = documents.length === atMost ? documents.at(-1) : undefined;
    return {
      records: documents.map((document) => portable(record(document))),
      next: last === undefined ? null : BSON.EJSON.stringify(last['_id'], { relaxed: false }),
    };
  }

  async mark(): Promise<CopyMark | null> {
    const marks = this.#database.collection<{ readonly mark: CopyMark }>(COPY_MARK_COLLECTION);
    return (await marks.findOne())?.mark ?? null;
  }

  async begin(mark: CopyMark): Promise<void> {
    await this.#database.collection(COPY_MARK_COLLECTION).insertOne({ mark });
  }

  async write(section: Section, records: readonly PortableRecord[], mark: CopyMark): Promise<void> {
    const documents = records.map((record) => LAYOUTS[section].document(record));
    await this.#transaction(async (session) => {
      if (documents.length > 0) await this.#collection(section).insertMany(documents, { session });
      await this.#database.collection(COPY_MARK_COLLECTION).updateOne({}, { $set: { mark } }, { session });
    });
  }

  async finish(fence: number): Promise<void> {
    await this.#transaction(async (session) => {
      await this.#raiseFence(fence, session);
      await this.#database.collection(COPY_MARK_COLLECTION).deleteMany({}, { session });
    });
    await this.#database.collection(COPY_MARK_COLLECTION).drop();
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  /** The newest owner's, and the one that owners write by: neither may be older than the other. */
  async #raiseFence(fence: number, session?: ClientSession): Promise<void> {
    const meta = metaOf(this.#database);
    for (const name of ['owner', 'fence'] as const) {
      const raised = { $max: { value: fence } };
      await meta.updateOne({ _id: name }, raised, { upsert: true, ...(session && { session }) });
    }
  }

  #collection(section: Section): Collection {
    return this.#database.collection(LAYOUTS[section].collection);
  }

  async #transaction(work: (session: ClientSession) => Promise<void>): Promise<void> {
    await this.#client.withSession((session) =>
      session.withTransaction(() => work(session), {
        readConcern: { level: 'snapshot' },
        writeConcern: { w: 'majority' },
      }),
    );
  }

  /** The server hears with some delay that a process which ended is gone. */
  async #expectNobodyElse(owner: string): Promise<void> {
    for (let look = 1; ; look += 1) {
      const address = await this.#addressOf(owner);
      if (address === null) return;
      if (look === LOOKS_FOR_OTHERS) {
        throw new DragomanError(
          'already_in_use',
          `${this.name} is in use by a backend or worker at ${address}: stop it first`,
        );
      }
      await setTimeout(LOOK_EVERY_MS);
    }
  }

  /** Where a client that calls itself so has a connection from. */
  async #addressOf(name: string): Promise<string | null> {
    const [connection] = await this.#client
      .db('admin')
      .aggregate<{ readonly client: string }>(
        [
          { $currentOp: { allUsers: false, idleConnections: true } },
          { $match: { appName: name } },
          { $project: { client: 1 } },
        ],
        { readConcern: { level: 'local' } },
      )
      .toArray();
    return connection?.client ?? null;
  }
}
