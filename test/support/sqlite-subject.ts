import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/log.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import type { Store } from '../../src/store/store.ts';
import type { RestartedSubject } from '../contract/store/clock-steps.ts';
import type { StoreSubject } from '../contract/store/subject.ts';
import { ManualClock } from './manual-clock.ts';

export const openStoreAt = (file: string): Promise<Store> =>
  openSqliteStore({ file, clock: systemClock(), log: silentLogger });

/** An SQLite store in a folder of its own. */
export async function sqliteSubject(): Promise<StoreSubject> {
  const folder = await mkdtemp(join(tmpdir(), 'dragoman-store-'));
  const file = join(folder, 'dragoman.db');
  const opened: Store[] = [];
  const open = async (): Promise<Store> => {
    const store = await openStoreAt(file);
    opened.push(store);
    return store;
  };
  const store = await open();
  return {
    store,
    async rival() {
      // The lock forbids a second owner; without its file, the first one holds a lock that nobody asks for.
      await rm(`${file}.lock`);
      return open();
    },
    async reopen() {
      await opened.at(-1)?.close();
      return open();
    },
    async lose({ botId, providerName, correspondentId }, id) {
      using database = new DatabaseSync(file, { timeout: 5_000 });
      database
        .prepare(
          'DELETE FROM queue_journal WHERE bot_id = ? AND provider_name = ? AND correspondent_id = ? AND id = ?',
        )
        .run(botId, providerName, correspondentId, id);
    },
    elapse: () => Promise.resolve(),
    async dispose() {
      for (const each of opened) await each.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** The same, opened by one host's clock after the other. */
export async function restartedSqlite(): Promise<RestartedSubject> {
  const folder = await mkdtemp(join(tmpdir(), 'dragoman-store-'));
  let store: Store | null = null;
  return {
    async openAt(now) {
      await store?.close();
      const file = join(folder, 'dragoman.db');
      store = await openSqliteStore({ file, clock: new ManualClock(now), log: silentLogger });
      return store;
    },
    elapse: () => Promise.resolve(),
    async dispose() {
      await store?.close();
      await rm(folder, { recursive: true });
    },
  };
}
