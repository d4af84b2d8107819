import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import { openMongoStore } from '../store/mongo/open-mongo-store.ts';
import { openSqliteStore } from '../store/sqlite/sqlite-store.ts';
import type { Store } from '../store/store.ts';
import { type Config, storeLocation } from '../system/config.ts';

/** Opens the store that the configuration names. */
export function openStore(config: Config, clock: Clock, log: Logger): Promise<Store> {
  const location = storeLocation(config);
  switch (location.kind) {
    case 'sqlite':
      return openSqliteStore({ file: location.file, clock, log });
    case 'mongodb':
      return openMongoStore({ url: location.url, clock, log });
  }
}
