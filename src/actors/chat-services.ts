import type { CorrespondentKey } from '../jobs/job.ts';
import type { RouteToPool } from '../jobs/pools.ts';
import type { Ordering, QueueLimits } from '../queue/limits.ts';
import type { Store } from '../store/store.ts';
import type { CorrespondentProtocol } from './correspondent.ts';
import type { EventBus } from './events.ts';
import type { ActorRef } from './kit/actor.ts';

/** What the actors of one bot's chats share. None of the calls blocks. */
export interface ChatServices {
  readonly store: Store;
  readonly events: EventBus;
  readonly limits: QueueLimits;
  readonly ordering: Ordering;
  readonly routeToPool: RouteToPool;
  /** The chat has something for the history. */
  messageReady(chat: ActorRef<CorrespondentProtocol>): void;
  /** The chat has nothing in its queue: it may passivate. */
  chatEmpty(key: CorrespondentKey): void;
  /** Where a new medium's job starts: `holding` while the bot is not connected. */
  jobsStartIn(): 'active' | 'holding';
  /** Work became claimable. */
  /** null: perhaps in any pool. */
  wakePool(pool: string | null): void;
  /** Whether the history is being written to: false once ingestion stops. */
  ingesting(): boolean;
}
