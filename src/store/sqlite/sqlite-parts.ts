import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { ClaimableNews } from '../claimable-news.ts';
import type { READS } from './operations/reads.ts';
import type { WRITES } from './operations/writes.ts';
import type { StoreThread } from './store-thread.ts';

/**
 * What the parts of one SQLite store share. They encode, call one of the two threads, decode. Reads see every write
 * whose promise has resolved.
 */
export interface SqliteParts {
  readonly writer: StoreThread<typeof WRITES>;
  readonly reader: StoreThread<typeof READS>;
  readonly news: ClaimableNews;
  readonly clock: Clock;
  readonly log: Logger;
}
