import { randomInt } from 'node:crypto';
import { type Db, MongoClient } from 'mongodb';
import type { Clock } from '../../base/clock.ts';
import { untilAborted } from '../../base/deadlines.ts';
import { describeError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { Store, WorkerStore } from '../store.ts';
import { collectionsOf, metaOf } from './collections.ts';
import { openingFailure, urlFailure } from './mongo-errors.ts';
import { mongoStore } from './mongo-store.ts';
import { endAbandonedTransactions, endTransactionsOf } from './open-transactions.ts';
import { Ownership, type OwnershipWish } from './ownership.ts';
import { beginWriting, prepareDatabase, raiseFence } from './prepare-database.ts';
import { ServerClock } from './server-clock.ts';
import { MAX_IN_FLIGHT, Transactions, type TransactionsOptions } from './transactions.ts';

export interface MongoStoreOptions {
  /** A connection string of a replica set; the database is the one it names, or `dragoman`. */
  readonly url: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** By when each call has ended, in milliseconds. Default 10_000. */
  readonly callDeadlineMs?: number;
}

export interface WorkerStoreOptions extends MongoStoreOptions {
  /** Ends the waiting for a server that does not answer: it rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

export interface OwnerStoreOptions extends MongoStoreOptions {
  /** How to become its one active owner. Left out: as its newest one, whoever else there is. */
  readonly ownership?: OwnershipWish;
}

const DEFAULT_CALL_DEADLINE_MS = 10_000;
const DEFAULT_DATABASE = 'dragoman';
/** Below every owner's fence. */
const NO_OWNER = 0;
/** A process that is no owner begins somewhere below it, so that two of them hardly ever give the same number. */
const MOST_NUMBERS = 2 ** 31;
/** Reads beside the transactions. */
const READ_CONNECTIONS = 4;

/**
 * Opens the store that several machines may share, a MongoDB replica set, as its owner.
 * Rejects with `config_invalid`, `store_newer` or `store_unavailable`, and as `ownership` says; the message says what
 * to do.
 */
export const openMongoStore = (options: OwnerStoreOptions): Promise<Store> =>
  connect(
    options,
    async (client, database, opened) => {
      const { ownership: wish, clock, log } = options;
      const ownership = wish && (await Ownership.take({ ...wish, meta: metaOf(database), clock, log }));
      opened.defer(() => ownership?.release());
      const fence = ownership?.fence ?? (await raiseFence(database));
      await endTransactionsOf(client, appName(options.url)).catch((error: unknown) => {
        log.warn(
          { reason: describeError(error) },
          'open transactions of former owners are left to end by themselves',
        );
      });
      await beginWriting(database, fence);
      return { fence, firstNumber: 0, ...(ownership && { ownership }) };
    },
    options.ownership?.signal,
  );

/**
 * Opens the same store for a process that only works. It is nobody's owner: every chat was written by a newer one.
 * Rejects as `openMongoStore` does.
 */
export const openMongoWorkerStore = (options: WorkerStoreOptions): Promise<WorkerStore> =>
  connect(options, async () => ({ fence: NO_OWNER, firstNumber: randomInt(MOST_NUMBERS) }), options.signal);

/** What tells one process's transactions from another's. */
type Identity = Pick<TransactionsOptions, 'fence' | 'firstNumber'> & { readonly ownership?: Ownership };

async function connect(
  options: MongoStoreOptions,
  identify: (client: MongoClient, database: Db, opened: AsyncDisposableStack) => Promise<Identity>,
  signal = new AbortController().signal,
): Promise<Store> {
  const { url, clock, log, callDeadlineMs = DEFAULT_CALL_DEADLINE_MS } = options;
  const client = newClient(url, { callDeadlineMs, appName: appName(url) });
  await using opened = new AsyncDisposableStack();
  opened.defer(() => client.close());
  try {
    const database = client.db(databaseName(url));
    await untilAborted(prepareDatabase(database), signal);
    const identity = await identify(client, database, opened);
    const collections = collectionsOf(database);
    const serverClock = new ServerClock(clock);
    await serverClock.measure(collections);
    log.info({ database: database.databaseName, fence: identity.fence }, 'store opened');
    const transactions = new Transactions({
      client,
      collections,
      clock,
      ...identity,
      endAbandoned: () =>
        endAbandonedTransactions(client, appName(url)).catch((error: unknown) => {
          log.warn({ reason: describeError(error) }, 'transactions of dead processes end by themselves');
        }),
      callDeadlineMs,
    });
    const store = mongoStore({ client, transactions, clock, serverClock, log, ...identity });
    // From here on they are the store's to end.
    opened.move();
    return store;
  } catch (error) {
    throw openingFailure(`MongoDB at ${client.options.hosts.join(', ')}`, error);
  }
}

export interface ClientOptions {
  readonly callDeadlineMs: number;
  /** What the client calls itself to the server. */
  readonly appName: string;
}

/** Throws `config_invalid` for what is no connection string. */
export function newClient(url: string, { callDeadlineMs, appName: name }: ClientOptions): MongoClient {
  try {
    return new MongoClient(url, {
      appName: name,
      // What a message does not have is not in its document.
      ignoreUndefined: true,
      writeConcern: { w: 'majority' },
      readConcern: { level: 'majority' },
      readPreference: 'primary',
      retryWrites: true,
      maxPoolSize: MAX_IN_FLIGHT + READ_CONNECTIONS,
      waitQueueTimeoutMS: callDeadlineMs,
      serverSelectionTimeoutMS: callDeadlineMs,
      connectTimeoutMS: callDeadlineMs,
      socketTimeoutMS: callDeadlineMs,
    });
  } catch (error) {
    throw urlFailure(error);
  }
}

/** What a connection string names between the hosts and the options. */
export const databaseName = (url: string): string =>
  decodeURIComponent(/^[^:]+:\/\/[^/?]*\/([^?]+)/.exec(url)?.[1] ?? DEFAULT_DATABASE);

/** Tells the clients of one store from all others of the server. */
export const appName = (url: string): string => `dragoman:${databaseName(url)}`;
