import { MongoClient } from 'mongodb';
import type { Clock } from '../../base/clock.ts';
import { describeError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { collectionsOf } from './collections.ts';
import { openingFailure, urlFailure } from './mongo-errors.ts';
import { MongoStore } from './mongo-store.ts';
import { endTransactionsOf } from './open-transactions.ts';
import { prepareDatabase, raiseFence } from './prepare-database.ts';
import { MAX_IN_FLIGHT, Transactions } from './transactions.ts';

export interface MongoStoreOptions {
  /** A connection string of a replica set; the database is the one it names, or `dragoman`. */
  readonly url: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** By when each call has ended, in milliseconds. Default 10_000. */
  readonly callDeadlineMs?: number;
}

const DEFAULT_CALL_DEADLINE_MS = 10_000;
const DEFAULT_DATABASE = 'dragoman';
/** Reads beside the transactions. */
const READ_CONNECTIONS = 4;

/**
 * Opens the store that several machines may share, a MongoDB replica set, as its newest owner.
 * Rejects with `config_invalid`, `store_newer` or `store_unavailable`; the message says what to do.
 */
export async function openMongoStore(options: MongoStoreOptions): Promise<MongoStore> {
  const { url, clock, log, callDeadlineMs = DEFAULT_CALL_DEADLINE_MS } = options;
  const client = newClient(url, callDeadlineMs);
  try {
    const database = client.db(databaseName(url));
    await prepareDatabase(database);
    const fence = await raiseFence(database);
    await endTransactionsOf(client, appName(url)).catch((error: unknown) => {
      log.warn(
        { reason: describeError(error) },
        'open transactions of former owners are left to end by themselves',
      );
    });
    log.info({ database: database.databaseName, fence }, 'store opened');
    const collections = collectionsOf(database);
    const transactions = new Transactions({ client, collections, clock, fence, callDeadlineMs });
    return new MongoStore({ client, transactions, clock, log, fence });
  } catch (error) {
    await client.close();
    throw openingFailure(`MongoDB at ${client.options.hosts.join(', ')}`, error);
  }
}

function newClient(url: string, callDeadlineMs: number): MongoClient {
  try {
    return new MongoClient(url, {
      appName: appName(url),
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
const databaseName = (url: string): string =>
  decodeURIComponent(/^[^:]+:\/\/[^/?]*\/([^?]+)/.exec(url)?.[1] ?? DEFAULT_DATABASE);

/** Tells the clients of one store from all others of the server. */
const appName = (url: string): string => `dragoman:${databaseName(url)}`;
