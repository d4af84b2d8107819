import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Store } from '../../../src/store/store.ts';
import { openStoreOn, TestDatabase } from '../mongo-subject.ts';
import { openStoreAt } from '../sqlite-subject.ts';

/** A store that processes die over, as whoever looks on sees it. */
export interface CrashStore {
  /** As the configuration names it. */
  readonly location: string;
  /** Messages in the history, whoever has the store open. */
  countHistory(): Promise<number>;
  /** Opens it when no process has it. */
  open(): Promise<Store>;
  dispose(): Promise<void>;
}

export function sqliteCrashStore(folder: string): CrashStore {
  const file = path.join(folder, 'dragoman.db');
  return {
    location: `sqlite:${file}`,
    async countHistory() {
      // A process that starts after kill -9 holds the file alone while it recovers the log.
      const database = new DatabaseSync(file, { readOnly: true, timeout: 5_000 });
      try {
        const row = database.prepare('SELECT count(*) AS count FROM queues').get();
        return Number(row?.['count']);
      } finally {
        database.close();
      }
    },
    open: () => openStoreAt(file),
    dispose: async () => {},
  };
}

export function mongoCrashStore(): CrashStore {
  const database = new TestDatabase();
  return {
    location: database.url,
    countHistory: () => database.client.db().collection('queues').countDocuments(),
    open: () => openStoreOn(database.url),
    dispose: () => database.drop(),
  };
}
