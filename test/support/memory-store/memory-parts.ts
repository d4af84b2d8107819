import type { Clock } from '../../../src/base/clock.ts';
import type { ClaimableNews } from '../../../src/store/claimable-news.ts';
import type { MemoryDatabase } from './memory-database.ts';

/** What the parts of one memory store share. Every call is carried out at once. */
export interface MemoryParts {
  readonly fence: number;
  readonly clock: Clock;
  readonly newClaimToken: () => string;
  readonly news: ClaimableNews;
  readonly madeClaimable: (pool: string) => void;
  /** Throws `store_unavailable` once the store is closed. */
  readonly data: () => MemoryDatabase;
}
