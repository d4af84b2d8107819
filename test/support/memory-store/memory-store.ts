import type { Clock } from '../../../src/base/clock.ts';
import { ClaimableNews } from '../../../src/store/claimable-news.ts';
import { storeClosed } from '../../../src/store/refusals.ts';
import type { Store } from '../../../src/store/store.ts';
import { memoryBotStore } from './bot-store.ts';
import { memoryChatStore } from './chat-store.ts';
import { memoryFailedJobStore } from './failed-job-store.ts';
import { memoryJobStore } from './job-store.ts';
import { MemoryDatabase } from './memory-database.ts';
import { memoryMessageStore } from './message-store.ts';
import { memoryWorkStore } from './work-store.ts';

export interface MemoryStoreOptions {
  readonly clock: Clock;
  readonly newClaimToken: () => string;
  readonly database?: MemoryDatabase;
}

/**
 * The store as plain data structures: the reference that the contract suite holds the adapters to, and what
 * simulations run on. Every call is carried out at once; nothing outlives `database`.
 */
export function openMemoryStore(options: MemoryStoreOptions): Store {
  const { clock, newClaimToken, database = new MemoryDatabase() } = options;
  const fence = database.nextFence();
  database.jobs.countFromNow(clock.now());
  let isClosed = false;
  const data = (): MemoryDatabase => {
    if (!isClosed) return database;
    throw storeClosed();
  };
  const news = new ClaimableNews();
  // Once its call has been answered.
  const madeClaimable = (pool: string): void => queueMicrotask(() => news.tell(pool));
  const parts = { fence, clock, newClaimToken, news, madeClaimable, data };
  return {
    fence,
    ...memoryChatStore(parts),
    ...memoryMessageStore(parts),
    ...memoryWorkStore(parts),
    ...memoryJobStore(parts),
    ...memoryFailedJobStore(parts),
    ...memoryBotStore(parts),
    async close() {
      isClosed = true;
    },
  };
}
