import type { CacheStore, MessageRetryManager } from '@whiskeysockets/baileys';
import { DragomanError } from '../../base/errors.ts';
import type { RecentMap } from '../../base/recent-map.ts';

/** How often a message was asked for again, by its id; both of Baileys' ways to count are kept in one map. */
export type RetryCounters = RecentMap<string, unknown>;

export const asCacheStore = (counters: RetryCounters): CacheStore => ({
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion, typescript/no-unnecessary-type-parameters -- Baileys' interface
  get: <T>(key: string) => counters.get(key) as T | undefined,
  set: (key, value) => counters.set(key, value),
  del: (key) => counters.delete(key),
  flushAll: () => counters.clear(),
});

/**
 * Baileys' retry manager asks the phone for a lost message beside everything else; without it every other message of
 * the bot waits 2 s for each one that does not decrypt. It also counts anew with every connection, so that a poisoned
 * message would be asked for for ever, and keeps 512 whole messages. Here it does neither.
 */
export function tameRetryManager(manager: MessageRetryManager | null, counters: RetryCounters): void {
  if (manager === null || !Reflect.has(manager, 'retryCounters')) {
    throw new DragomanError('invariant_broken', 'expected Baileys to count in `retryCounters`');
  }
  const lasting = {
    get: (id: string) => counters.get(id),
    set: (id: string, count: number) => counters.set(id, count),
    delete: (id: string) => counters.delete(id),
    clear: () => {},
  };
  Reflect.set(manager, 'retryCounters', lasting);
  manager.addRecentMessage = () => {};
}
