import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import type { Document } from 'mongodb';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { hasCode } from '../../src/base/errors.ts';
import type { CorrespondentKey } from '../../src/jobs/job.ts';
import type { Store } from '../../src/store/store.ts';
import { media, mustClaim } from '../contract/store/jobs.ts';
import { chat } from '../contract/store/subject.ts';
import { listen } from '../support/listening-port.ts';
import { MONGODB_URL, openStoreOn, SKIPPED, TestDatabase, urlThrough } from '../support/mongo-subject.ts';
import {
  acceptText,
  fulfilled,
  HOUR_MS,
  jobError,
  NOW,
  stagedMedia,
  textMessage,
} from '../support/store-records.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { jobsIn } from '../support/jobs-in.ts';

const CLAIM = { pool: 'audio', now: NOW, leaseMs: HOUR_MS, cappedBots: [] };

if (MONGODB_URL === undefined) console.warn(`the MongoDB store on its server: ${SKIPPED}`);

describe('opening a MongoDB store', () => {
  test.for(['mongo://127.0.0.1/x', 'mongodb://', 'mongodb://127.0.0.1/x?tls=perhaps'])(
    '%s is refused as a connection string',
    async (url) => {
      await expect(openStoreOn(url)).rejects.toSatisfy((error) => hasCode(error, 'config_invalid'));
    },
  );

  test('a server that never answers is unavailable by the deadline', async () => {
    const silent = createServer();
    const sockets: Socket[] = [];
    silent.on('connection', (socket) => sockets.push(socket));
    const port = await listen(silent);
    const opening = openStoreOn(urlThrough(port, 'x'), 300);
    await expect(opening).rejects.toSatisfy((error) => hasCode(error, 'store_unavailable'));
    for (const socket of sockets) socket.destroy();
    silent.close();
    await once(silent, 'close');
  });
});

describe.skipIf(MONGODB_URL === undefined)('the MongoDB store on its server', () => {
  let database: TestDatabase;
  let store: Store;
  let key: CorrespondentKey;
  const opened: Store[] = [];

  const open = async (url = database.url): Promise<Store> => {
    const other = await openStoreOn(url);
    opened.push(other);
    return other;
  };

  beforeAll(() => {
    database = new TestDatabase();
  });
  afterAll(() => database.drop());
  beforeEach(async () => {
    store = await open();
    key = await chat(store, 'a');
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((each) => each.close()));
    await database.empty();
  });

  test('several owners that open it at once each have a fence of their own', async () => {
    const fences = (await Promise.all([1, 2, 3].map(() => open()))).map(({ fence }) => fence);
    expect(fences.toSorted((a, b) => a - b)).toEqual([1, 2, 3].map((later) => store.fence + later));
  });

  test('the collections have the unique indexes of the data model', async () => {
    const place = 'bot_id provider_name correspondent_id id';
    expect(await uniqueIndexes(database, 'queues')).toContain(place);
    expect(await uniqueIndexes(database, 'queue_journal')).toContain(place);
    for (const jobs of ['', '_holding', '_failed']) {
      expect(await uniqueIndexes(database, `media_processing_jobs${jobs}`)).toContain('guid');
    }
  });

  test('a store that a newer program has written is refused, and left as it is', async () => {
    const meta = database.client.db().collection<{ _id: string; value: number }>('meta');
    await meta.updateOne({ _id: 'schema' }, { $set: { value: 99 } });
    const before = await meta.find().toArray();
    await expect(openStoreOn(database.url)).rejects.toSatisfy(
      (error) => hasCode(error, 'store_newer') && error.message.includes('schema 99'),
    );
    expect(await meta.find().toArray()).toEqual(before);
  });

  test('nothing that happens to a message or a job looks through a collection', async () => {
    for (let n = 0; n < 3; n += 1) await media(store, key);
    await media(store, key, { collection: 'holding' });
    const operations = await operationsOf(database, () => liveThrough(store, key));
    const seen = operations.filter(({ planSummary }) => planSummary !== undefined);
    const scans = seen.filter(({ planSummary, ns }) => planSummary === 'COLLSCAN' && !ns.endsWith('.meta'));
    expect(seen.length).toBeGreaterThan(20);
    expect(scans.map(({ command }) => command)).toEqual([]);
  });

  test('C2: texts that come at once are written at once, though one of them came before', async () => {
    const chats = await Promise.all(['b', 'c', 'd', 'e'].map((identifier) => chat(store, identifier)));
    await store.accept(acceptText(key, textMessage(1)));
    const again = textMessage(2, { providerMessageId: 'provider-1' });
    const operations = await operationsOf(database, async () => {
      const accepting = chats.map((other) => store.accept(acceptText(other, textMessage(1))));
      const [outcome] = await Promise.all([store.accept(acceptText(key, again)), ...accepting]);
      expect(outcome).toEqual({ kind: 'duplicate', id: 1 });
    });
    const written = operations.filter(({ op, ns }) => op === 'insert' && ns.endsWith('.queue_journal'));
    expect(written.map(({ ninserted }) => ninserted)).toEqual([chats.length]);
  });

  test('F1: claimers in several processes never serve the same bot twice in a row', async () => {
    const bots = ['bot-a', 'bot-b', 'bot-c'];
    for (const bot of bots) {
      const ofBot = await chat(store, 'x', bot);
      for (let n = 0; n < 12; n += 1) await media(store, ofBot);
    }
    const claimers = [store, await open(), await open()];
    await Promise.all(
      claimers.map(async (claimer) => {
        for (let n = 0; n < 10; n += 1) await claimer.claim(CLAIM);
      }),
    );
    const claimed = await Promise.all(bots.map((bot) => jobsIn(store, bot, 'active', ['processing'])));
    expect(claimed.map(({ length }) => length)).toEqual([10, 10, 10]);
  });

  test('F1: a newcomer does not make up for the turns it never had', async () => {
    const newcomer = await chat(store, 'n', 'bot-n');
    for (let n = 0; n < 8; n += 1) await media(store, key);
    for (let n = 0; n < 5; n += 1) await store.claim(CLAIM);
    for (let n = 0; n < 3; n += 1) await media(store, newcomer);
    const served = [];
    for (let n = 0; n < 4; n += 1) served.push((await mustClaim(store)).correspondent.botId);
    expect(served).toEqual(['bot-n', 'bot-a', 'bot-n', 'bot-a']);
  });

  test('S5: holding the jobs of a bot ends no claim, not even one whose lease is over', async () => {
    await media(store, key);
    const claim = await mustClaim(store, -HOUR_MS);
    await store.holdJobs(key.botId, NOW);
    expect(await store.complete(claim, { kind: 'words', words: 'w' }, NOW)).toBe(true);
  });

  test('W1: workers of another process are woken by what waits already, and by an arrival', async () => {
    const other = await open();
    await media(store, key);
    const woken = new Wakes(other);
    expect(await woken.next()).toBe('audio');
    while ((await other.claim(CLAIM)) !== null);
    woken.forget();
    await media(store, key);
    expect(await woken.next()).toBe('audio');
    expect((await other.claim(CLAIM))?.correspondent).toEqual(key);
  });

  test('W1: the watch outlives broken connections', async () => {
    const proxy = await TcpProxy.before(new URL(database.url));
    const other = await open(urlThrough(proxy.port, database.name));
    await media(store, key);
    const woken = new Wakes(other);
    expect(await woken.next()).toBe('audio');
    while ((await other.claim(CLAIM)) !== null);
    proxy.cut();
    woken.forget();
    await media(store, key);
    expect(await woken.next()).toBe('audio');
    await other.close();
    await proxy.close();
  });
});

/** Every call that comes once a message, once a job, or again and again. */
async function liveThrough(store: Store, key: CorrespondentKey): Promise<void> {
  await store.resolveCorrespondent(key.botId, key.providerName, [key.correspondentId, 'alias']);
  const { nextId } = await store.rehydrate(key);
  const [text, lost] = [textMessage(nextId), textMessage(nextId + 1)];
  for (const message of [text, lost]) await store.accept(acceptText(key, message));
  await store.ingest({ correspondent: key, messages: [text], now: NOW });
  await store.evict(key, [lost.id]);
  await store.history(key, { afterSeq: 0, limit: 10 });
  await store.chatsWithJournal(key.botId);
  const downloading = await media(store, key, { start: { kind: 'downloading' } });
  await store.stage(downloading, stagedMedia(), NOW);
  for (const leaseMs of [HOUR_MS, -HOUR_MS]) await store.claim({ ...CLAIM, leaseMs });
  await store.reviveJobs(NOW, 3);
  const job = await mustClaim(store);
  await store.heartbeat(job, NOW + HOUR_MS);
  await store.complete(job, { kind: 'words', words: 'w' }, NOW);
  await store.settle({
    correspondent: key,
    guid: job.guid,
    message: fulfilled(job.placeholder),
    evictedIds: [],
    error: jobError(),
  });
  await store.holdJobs(key.botId, NOW);
  await store.promoteJobs(key.botId, NOW);
  await jobsIn(store, key.botId, 'active');
  await store.jobByGuid(job.guid);
  await store.pruneMessageIds(0);
}

/** What a store's watch tells. */
class Wakes {
  #pools: string[] = [];
  #told = Promise.withResolvers<void>();

  constructor(store: Store) {
    store.onClaimable((pool) => {
      this.#pools.push(pool);
      this.#told.resolve();
    });
  }

  /** Resolves to a pool that was told since the last `forget`. */
  async next(): Promise<string | undefined> {
    await this.#told.promise;
    return this.#pools[0];
  }

  forget(): void {
    this.#pools = [];
    this.#told = Promise.withResolvers();
  }
}

/** What the server did meanwhile, as its profiler has it. */
async function operationsOf(
  { client }: TestDatabase,
  work: () => Promise<void>,
): Promise<readonly Document[]> {
  const database = client.db();
  await database.command({ profile: 2 });
  await work();
  await database.command({ profile: 0 });
  const operations = await database.collection('system.profile').find().toArray();
  await database.dropCollection('system.profile');
  return operations;
}

async function uniqueIndexes({ client }: TestDatabase, collection: string): Promise<string[]> {
  const indexes = await client.db().collection(collection).indexes();
  return indexes.filter((index) => index.unique).map((index) => Object.keys(index.key).join(' '));
}
