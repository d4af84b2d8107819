import type { Guid } from '../base/ids.ts';
import type { RouteToPool } from '../jobs/pools.ts';
import type { Ordering, QueueLimits } from '../queue/limits.ts';
import type { ChatStore } from '../store/chat-store.ts';
import type { FailedJobStore } from '../store/failed-job-store.ts';
import type { JobStore } from '../store/job-store.ts';
import type { MessageStore } from '../store/message-store.ts';
import type { WorkStore } from '../store/work-store.ts';
import type { Chat } from './chat-protocol.ts';
import type { Completion } from './completion.ts';
import type { EventBus } from './events.ts';
import type { MimeTypeOf } from './inbound.ts';

/** What the actors of all chats share. No call blocks. */
export interface SharedServices {
  readonly store: ChatStore & MessageStore & JobStore & FailedJobStore & Pick<WorkStore, 'jobByGuid'>;
  readonly events: EventBus;
  readonly limits: QueueLimits;
  readonly ordering: Ordering;
  readonly routeToPool: RouteToPool;
  readonly mimeTypeOf: MimeTypeOf;
  /** Whether a medium's file is in its gateway's staging folder. */
  hasFile(guid: Guid, gatewayId: string): Promise<boolean>;
  /** The chat may have something for the history. */
  messageReady(chat: Chat): void;
  /** Work may have become claimable in every pool. */
  wakePools(): void;
  /**
   * Gives back what dead workers held, of all bots; a job that used up its attempts is completed. Resolves to how many
   * those are.
   */
  reviveJobs(): Promise<number>;
  /** The medium's result is durable: its file goes, unless it is evidence. Never rejects. */
  releaseFile(completion: Completion): Promise<void>;
}

/** What the actors of one bot's chats share. */
export interface ChatServices extends SharedServices {
  /** Called after each turn of a chat. `isEmpty`: nothing is in its queue, for certain. */
  noteQueue(chat: Chat, isEmpty: boolean): void;
  /** Where a new medium's job starts: `holding` while the bot is not connected. */
  jobsStartIn(): 'active' | 'holding';
}
