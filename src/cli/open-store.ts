import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { OwnershipWish } from '../store/mongo/ownership.ts';
import { openSqliteStore } from '../store/sqlite/sqlite-store.ts';
import type { Store } from '../store/store.ts';
import { type Config, storeLocation } from '../system/config.ts';

/** For whoever opens the store for a moment: not while a backend is active on it. */
const ALONE: OwnershipWish = {
  whenOwned: 'refuse',
  signal: new AbortController().signal,
  waiting: () => {},
  lost: () => {},
};

/**
 * Opens the store that the configuration names, as its one active owner: of a SQLite file that is settled by its lock,
 * of MongoDB as `ownership` says.
 */
export async function openStore(
  config: Config,
  clock: Clock,
  log: Logger,
  ownership: OwnershipWish = ALONE,
): Promise<Store> {
  const location = storeLocation(config);
  switch (location.kind) {
    case 'sqlite':
      return openSqliteStore({ file: location.file, clock, log });
    case 'mongodb': {
      // The driver takes a fifth of a start to load, and who has a file needs none.
      const { openMongoStore } = await import('../store/mongo/open-mongo-store.ts');
      return openMongoStore({ url: location.url, clock, log, ownership });
    }
  }
}
