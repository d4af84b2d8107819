import type { MongoClient } from 'mongodb';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { Store } from '../store.ts';
import { ClaimableNews } from '../claimable-news.ts';
import { mongoBotStore } from './bot-store.ts';
import { mongoChatStore } from './chat-store.ts';
import { mongoFailedJobStore } from './failed-job-store.ts';
import { mongoJobStore } from './job-store.ts';
import { mongoMessageStore } from './message-store.ts';
import type { Ownership } from './ownership.ts';
import type { ServerClock } from './server-clock.ts';
import type { Transactions } from './transactions.ts';
import { Watches } from './watches.ts';
import { mongoWorkStore } from './work-store.ts';

/** What a store stands on, once it is connected to. */
interface Connected {
  readonly client: MongoClient;
  readonly transactions: Transactions;
  readonly clock: Clock;
  readonly serverClock: ServerClock;
  readonly log: Logger;
  readonly fence: number;
  readonly ownership?: Ownership;
}

/** Each call is one transaction, or what its part says, in the lanes of the chat, the job and the pool that it writes to. */
export function mongoStore(options: Connected): Store {
  const { client, transactions, clock, serverClock, log, fence, ownership } = options;
  const watches = new Watches({ collections: transactions.collections, clock, serverClock, log });
  const parts = { transactions, watches, news: new ClaimableNews(), clock, serverClock, log };
  let closing: Promise<void> | null = null;
  const closeAll = async (): Promise<void> => {
    await watches.close();
    await transactions.close();
    await ownership?.release();
    await client.close();
  };
  return {
    fence,
    ...mongoChatStore(parts),
    ...mongoMessageStore(parts),
    ...mongoWorkStore(parts),
    ...mongoJobStore(parts),
    ...mongoFailedJobStore(parts),
    ...mongoBotStore(parts),
    close: () => (closing ??= closeAll()),
  };
}
