import { MongoClient } from 'mongodb';
import { type Clock, systemClock } from '../../src/base/clock.ts';
import { newGuid } from '../../src/base/ids.ts';
import { silentLogger } from '../../src/base/log.ts';
import { chatFields } from '../../src/store/documents.ts';
import { appName, openMongoStore, openMongoWorkerStore } from '../../src/store/mongo/open-mongo-store.ts';
import type { Store, WorkerStore } from '../../src/store/store.ts';
import { endTransactionsOf } from '../../src/store/mongo/open-transactions.ts';
import type { RestartedSubject } from '../contract/store/clock-steps.ts';
import type { StoreSubject } from '../contract/store/subject.ts';

/** A connection string of a replica set, or undefined when the tests that need one are to be skipped. */
export const MONGODB_URL = process.env['MONGODB_URL'];
export const SKIPPED = 'skipped: MONGODB_URL is not set';

/** The connection string of one database there. */
function urlOf(database: string): string {
  const url = new URL(MONGODB_URL ?? SKIPPED);
  url.pathname = database;
  return url.href;
}

/** The same by way of a proxy, which the driver would pass by if it asked the replica set for its members. */
export const urlThrough = (port: number, database: string): string =>
  `mongodb://127.0.0.1:${port}/${database}?directConnection=true`;

export const openStoreOn = (url: string, callDeadlineMs?: number): Promise<Store> =>
  openMongoStore({
    url,
    clock: systemClock(),
    log: silentLogger,
    ...(callDeadlineMs === undefined ? {} : { callDeadlineMs }),
  });

/** As a process that only works has it. */
export const openWorkerStoreOn = (url: string): Promise<WorkerStore> =>
  openMongoWorkerStore({ url, clock: systemClock(), log: silentLogger });

const HOST_AHEAD_MS = 600_000;

/** Goes on by itself, like that of a host that was set to `now`. */
function clockSetTo(now: number): Clock {
  const clock = systemClock();
  const aheadMs = now - clock.now();
  return { ...clock, now: () => clock.now() + aheadMs };
}

/** One database of the server, looked at beside the store. */
export class TestDatabase {
  readonly name = `dragoman-test-${newGuid()}`;
  readonly url = urlOf(this.name);
  readonly client = new MongoClient(this.url);

  /** Leaves collections and indexes, which take longer to make than a test to run. */
  async empty(): Promise<void> {
    const collections = await this.client.db().collections();
    await Promise.all(collections.map((collection) => collection.deleteMany({})));
  }

  /** As if the server's clock had gone on. */
  async elapse(ms: number): Promise<void> {
    for (const collection of ['media_processing_jobs', 'media_processing_jobs_holding']) {
      const jobs = this.client.db().collection(collection);
      for (const field of ['lease_expires_at', 'available_at', 'changed_at']) {
        await jobs.updateMany({ [field]: { $type: 'number' } }, { $inc: { [field]: -ms } });
      }
    }
  }

  async drop(): Promise<void> {
    // A process that was killed may have left one open, and a drop waits for it.
    await endTransactionsOf(this.client, appName(this.url));
    await this.client.db().dropDatabase();
    await this.client.close();
  }
}

/**
 * A store on `database`, which is empty at first and emptied when the subject is disposed of. It is on a host whose clock is
 * far from the server's, which its callers must not notice.
 */
export async function mongoSubject(database: TestDatabase): Promise<StoreSubject> {
  const opened: Store[] = [];
  const clock = clockSetTo(systemClock().now() + HOST_AHEAD_MS);
  const open = async (): Promise<Store> => {
    const store = await openMongoStore({ url: database.url, clock, log: silentLogger });
    opened.push(store);
    return store;
  };
  const store = await open();
  return {
    store,
    rival: open,
    async reopen() {
      await opened.at(-1)?.close();
      return open();
    },
    async lose(key, id) {
      await database.client
        .db()
        .collection('queue_journal')
        .deleteOne({ ...chatFields(key), id });
    },
    elapse: (ms) => database.elapse(ms),
    async dispose() {
      await Promise.all(opened.map((each) => each.close()));
      await database.empty();
    },
  };
}

/** The same, opened by one host's clock after the other. The server's own goes on. */
export async function restartedMongo(database: TestDatabase): Promise<RestartedSubject> {
  let store: Store | null = null;
  return {
    async openAt(now) {
      await store?.close();
      store = await openMongoStore({ url: database.url, clock: clockSetTo(now), log: silentLogger });
      return store;
    },
    elapse: (ms) => database.elapse(ms),
    async dispose() {
      await store?.close();
      await database.empty();
    },
  };
}

/** The same with its jobs claimed by several worker processes, each with a store of its own, in turns. */
export async function mongoSubjectOfHosts(database: TestDatabase, hosts: number): Promise<StoreSubject> {
  const subject = await mongoSubject(database);
  const workers = await Promise.all(Array.from({ length: hosts }, () => openWorkerStoreOn(database.url)));
  let claims = 0;
  const claim: Store['claim'] = async (request) => {
    claims += 1;
    const worker = workers[claims % hosts] ?? subject.store;
    return worker.claim(request);
  };
  return {
    ...subject,
    store: { ...subject.store, claim },
    async dispose() {
      await Promise.all(workers.map((worker) => worker.close()));
      await subject.dispose();
    },
  };
}
