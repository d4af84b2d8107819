import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { ClaimableNews } from '../claimable-news.ts';
import type { ServerClock } from './server-clock.ts';
import type { Transactions } from './transactions.ts';
import type { Watches } from './watches.ts';

/** What the parts of one MongoDB store share. */
export interface MongoParts {
  readonly transactions: Transactions;
  readonly watches: Watches;
  readonly news: ClaimableNews;
  readonly clock: Clock;
  readonly serverClock: ServerClock;
  readonly log: Logger;
}
