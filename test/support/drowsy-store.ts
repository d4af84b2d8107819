import { MongoClient } from 'mongodb';
import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/log.ts';
import { collectionsOf } from '../../src/store/mongo/collections.ts';
import { mongoStore } from '../../src/store/mongo/mongo-store.ts';
import { appName } from '../../src/store/mongo/open-mongo-store.ts';
import { ServerClock } from '../../src/store/mongo/server-clock.ts';
import { Transactions } from '../../src/store/mongo/transactions.ts';
import type { Store } from '../../src/store/store.ts';

/** Above what the same owner's other store gives. */
const FIRST_NUMBER = 1_000_000;

export interface DrowsyStore {
  readonly store: Store;
  /** Resolves when the store has fallen asleep before a commit. */
  readonly asleep: Promise<void>;
  readonly wake: () => void;
}

/**
 * A store of the owner with this fence, which nobody tells of a newer one. It falls asleep before each commit, as a process
 * does that is stopped there, until it is woken for good.
 */
export function drowsyStoreOn(url: string, fence: number): DrowsyStore {
  const asleep = Promise.withResolvers<void>();
  const awake = Promise.withResolvers<void>();
  class DrowsyClient extends MongoClient {
    override startSession(...options: Parameters<MongoClient['startSession']>) {
      const session = super.startSession(...options);
      const commit = session.commitTransaction.bind(session);
      session.commitTransaction = async (...args) => {
        asleep.resolve();
        await awake.promise;
        return commit(...args);
      };
      return session;
    }
  }
  const client = new DrowsyClient(url, { appName: appName(url), ignoreUndefined: true });
  const clock = systemClock();
  const transactions = new Transactions({
    client,
    collections: collectionsOf(client.db()),
    clock,
    fence,
    firstNumber: FIRST_NUMBER,
    endAbandoned: () => Promise.resolve(),
    callDeadlineMs: 10_000,
  });
  const serverClock = new ServerClock(clock);
  const store = mongoStore({ client, transactions, clock, serverClock, log: silentLogger, fence });
  return { store, asleep: asleep.promise, wake: awake.resolve };
}
