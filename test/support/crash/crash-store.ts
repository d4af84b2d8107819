import path from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import type { CorrespondentKey } from '../../../src/jobs/job.ts';
import { metaOf } from '../../../src/store/mongo/collections.ts';
import { chatFields } from '../../../src/store/documents.ts';
import { JOB_COLLECTION_NAMES } from '../../../src/store/records.ts';
import type { Store } from '../../../src/store/store.ts';
import { openStoreOn, TestDatabase } from '../mongo-subject.ts';
import { openStoreAt } from '../sqlite-subject.ts';

/** How far a conversation is. */
export interface Sight {
  /** The provider's ids of what is in the history. */
  readonly ingested: ReadonlySet<string>;
  /** Entries of the journal and live jobs. */
  readonly unfinished: number;
}

/** A store that processes die over, as whoever looks on sees it. */
export interface CrashStore {
  readonly kind: 'SQLite' | 'MongoDB';
  /** As the configuration names it. */
  readonly location: string;
  /** Whoever has the store open. */
  look(): Promise<Sight>;
  /** Opens it when no process has it. */
  open(): Promise<Store>;
  /** Takes an entry out of a chat's journal behind the store's back, as damage would. */
  lose(key: CorrespondentKey, id: number): Promise<void>;
  /** Gives an entry of a chat's history another place behind the store's back. */
  displace(key: CorrespondentKey, from: number, to: number): Promise<void>;
  /** Ends the lease of an owner that died, which nobody then waits for. */
  endLease(): Promise<void>;
  dispose(): Promise<void>;
}

const named = (key: CorrespondentKey) => [key.botId, key.providerName, key.correspondentId] as const;
const OF_CHAT = 'bot_id = ? AND provider_name = ? AND correspondent_id = ?';

export function sqliteCrashStore(folder: string): CrashStore {
  const file = path.join(folder, 'dragoman.db');
  // A process that starts after kill -9 holds the file alone while it recovers the log.
  const opened = (readOnly: boolean): DatabaseSync => new DatabaseSync(file, { readOnly, timeout: 5_000 });
  const change = (sql: string, ...values: SQLInputValue[]): void => {
    using database = opened(false);
    database.prepare(sql).run(...values);
  };
  return {
    kind: 'SQLite',
    location: `sqlite:${file}`,
    async look() {
      using database = opened(true);
      const ids = database.prepare(`SELECT message ->> 'provider_message_id' AS id FROM queues`).all();
      const unfinished = database
        .prepare(
          `SELECT (SELECT count(*) FROM queue_journal)
                  + (SELECT count(*) FROM jobs WHERE collection <> 'failed') AS count`,
        )
        .get();
      return {
        ingested: new Set(ids.map(({ id }) => String(id))),
        unfinished: Number(unfinished?.['count']),
      };
    },
    open: () => openStoreAt(file),
    async lose(key, id) {
      change(`DELETE FROM queue_journal WHERE ${OF_CHAT} AND id = ?`, ...named(key), id);
    },
    async displace(key, from, to) {
      change(`UPDATE queues SET id = ? WHERE ${OF_CHAT} AND id = ?`, to, ...named(key), from);
    },
    // The file's lock ends with the process.
    endLease: async () => {},
    dispose: async () => {},
  };
}

export function mongoCrashStore(): CrashStore {
  const database = new TestDatabase();
  const collection = (name: string) => database.client.db().collection(name);
  const unfinished = ['queue_journal', JOB_COLLECTION_NAMES.active, JOB_COLLECTION_NAMES.holding];
  return {
    kind: 'MongoDB',
    location: database.url,
    async look() {
      const counts = await Promise.all(unfinished.map((name) => collection(name).countDocuments()));
      const ids = await collection('queues').distinct('provider_message_id');
      return {
        ingested: new Set(ids.map(String)),
        unfinished: counts.reduce((sum, count) => sum + count, 0),
      };
    },
    open: () => openStoreOn(database.url),
    async lose(key, id) {
      await collection('queue_journal').deleteOne({ ...chatFields(key), id });
    },
    async displace(key, from, to) {
      await collection('queues').updateOne({ ...chatFields(key), id: from }, { $set: { id: to } });
    },
    async endLease() {
      await metaOf(database.client.db()).updateOne({ _id: 'owner' }, { $set: { lease_expires_at: 0 } });
    },
    dispose: () => database.drop(),
  };
}
