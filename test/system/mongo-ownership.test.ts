import { Collection, type Filter, MongoNetworkError, type UpdateFilter } from 'mongodb';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import type { DragomanError } from '../../src/base/errors.ts';
import { silentLogger } from '../../src/base/log.ts';
import { openMongoStore } from '../../src/store/mongo/open-mongo-store.ts';
import { type MetaDocument, metaOf } from '../../src/store/mongo/collections.ts';
import { Ownership, type OwnershipWish } from '../../src/store/mongo/ownership.ts';
import type { Store } from '../../src/store/store.ts';
import { gate, settle } from '../support/actor-kit.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { MONGODB_URL, openStoreOn, SKIPPED, TestDatabase, urlThrough } from '../support/mongo-subject.ts';
import { RecordingLogger } from '../support/recording-logger.ts';
import {
  acceptMedia,
  acceptText,
  jobError,
  NOW,
  placeholderMessage,
  PROVIDER,
  textMessage,
} from '../support/store-records.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';

if (MONGODB_URL === undefined) console.warn(`who owns a MongoDB store: ${SKIPPED}`);

const BOT = 'bot-a';

const wishing = (wish: Partial<OwnershipWish> = {}): OwnershipWish => ({
  whenOwned: 'refuse',
  signal: new AbortController().signal,
  waiting: () => {},
  lost: () => {},
  ...wish,
});

describe.skipIf(MONGODB_URL === undefined)('of the processes on one MongoDB', () => {
  let database: TestDatabase;
  beforeAll(() => {
    database = new TestDatabase();
  });
  afterEach(() => database.empty());
  afterAll(() => database.drop());

  const open = async (wish: Partial<OwnershipWish> = {}, clock = systemClock()): Promise<Store> => {
    const ownership = wishing(wish);
    const store = await openMongoStore({ url: database.url, clock, log: silentLogger, ownership });
    onTestFinished(() => store.close());
    return store;
  };

  test('O1, O4: one is active; another is refused, or waits until the first has closed the store', async () => {
    const active = await open();
    await expect(open()).rejects.toMatchObject({ code: 'already_in_use' });
    const told = Promise.withResolvers<string>();
    const standby = open({ whenOwned: 'wait', waiting: told.resolve });
    expect(await told.promise).toContain(`process ${process.pid}`);
    await active.close();
    expect((await standby).fence).toBe(active.fence + 1);
  });

  test('one that waits gives up when it is told to', async () => {
    await open();
    const waiting = new AbortController();
    const told = Promise.withResolvers<string>();
    const standby = open({ whenOwned: 'wait', signal: waiting.signal, waiting: told.resolve });
    await told.promise;
    waiting.abort(new Error('enough'));
    await expect(standby).rejects.toThrow('enough');
  });

  test('one that waits goes on waiting while MongoDB is away, and says so once', async () => {
    const proxy = await TcpProxy.before(new URL(database.url));
    onTestFinished(() => proxy.close());
    const log = new RecordingLogger();
    const told = Promise.withResolvers<string>();
    const standBy = (): Promise<Store> =>
      openMongoStore({
        url: urlThrough(proxy.port, database.name),
        clock: systemClock(),
        log,
        callDeadlineMs: 300,
        ownership: wishing({ whenOwned: 'wait', waiting: told.resolve }),
      });
    proxy.refuse();
    await expect(standBy()).rejects.toMatchObject({ code: 'store_unavailable' });
    proxy.heal();
    const active = await open();
    const standby = standBy();
    onTestFinished(async () => (await standby).close());
    await told.promise;
    proxy.refuse();
    await log.untilLine('MongoDB does not answer');
    const tries = vi.spyOn(Collection.prototype, 'findOneAndUpdate');
    onTestFinished(() => tries.mockRestore());
    await expect.poll(() => tries.mock.calls.length).toBe(2);
    proxy.heal();
    await log.untilLine('MongoDB answers again');
    expect(log.at('warn')).toEqual(['MongoDB does not answer: still standing by']);
    await active.close();
    expect((await standby).fence).toBe(active.fence + 1);
  });

  /** The lease's document; what becomes of the answer to each try to take it is for `answer` to say. */
  function metaAnswering(answer: (owner: unknown) => Promise<unknown>) {
    const meta = metaOf(database.client.db());
    return new Proxy(meta, {
      get(target, name) {
        if (name !== 'findOneAndUpdate') return Reflect.get(target, name, target) as unknown;
        return async (filter: Filter<MetaDocument>, change: UpdateFilter<MetaDocument>) =>
          answer(await target.findOneAndUpdate(filter, change, { returnDocument: 'after' }));
      },
    });
  }

  test('A1: one that took the lease and did not hear of it knows it for its own, with the same fence', async () => {
    const active = await open();
    const clock = new ManualClock(NOW);
    let isUnheard = false;
    const meta = metaAnswering((owner) => {
      if (owner === null || isUnheard) return Promise.resolve(owner);
      isUnheard = true;
      return Promise.reject(new MongoNetworkError('connection 7 closed'));
    });
    const told = Promise.withResolvers<string>();
    const standby = wishing({ whenOwned: 'wait', waiting: told.resolve });
    const log = new RecordingLogger();
    const taking = Ownership.take({ ...standby, log, clock, meta });
    await told.promise;
    await active.close();
    await settle();
    clock.advance(1_000);
    await log.untilLine('MongoDB does not answer');
    expect(isUnheard).toBe(true);
    await settle();
    // By the server's clock the lease is as young as it was.
    clock.advance(2_000);
    const owner = await taking;
    expect(owner.fence).toBe(active.fence + 1);
    await owner.release();
  });

  test('A2: one that is told to stop while it takes the lease leaves none behind', async () => {
    const answered = gate();
    const tried = Promise.withResolvers<void>();
    const meta = metaAnswering(async (owner) => {
      tried.resolve();
      await answered.passed;
      return owner;
    });
    const stopping = new AbortController();
    const wish = wishing({ whenOwned: 'wait', signal: stopping.signal });
    const taking = Ownership.take({ ...wish, log: silentLogger, clock: systemClock(), meta });
    await tried.promise;
    stopping.abort(new Error('enough'));
    answered.open();
    await expect(taking).rejects.toThrow('enough');
    await expect(open()).resolves.toMatchObject({ fence: 2 });
  });

  test('A2: and does not wait for an answer that does not come', async () => {
    const tried = Promise.withResolvers<void>();
    const clock = new ManualClock(NOW);
    const meta = metaAnswering(() => {
      tried.resolve();
      return new Promise(() => {});
    });
    const stopping = new AbortController();
    const log = new RecordingLogger();
    const taking = Ownership.take({ ...wishing({ signal: stopping.signal }), log, clock, meta });
    await tried.promise;
    stopping.abort(new Error('enough'));
    await settle();
    clock.advance(2_000);
    await expect(taking).rejects.toThrow('enough');
    expect(log.at('warn')).toEqual(['a lease that may have been taken ends by itself']);
  });

  test('O4: one that cannot open the store after all leaves its lease to the next', async () => {
    const meta = metaOf(database.client.db());
    const original = Collection.prototype.findOneAndUpdate;
    const failing = vi.spyOn(Collection.prototype, 'findOneAndUpdate');
    onTestFinished(() => failing.mockRestore());
    failing.mockImplementation(function (this: Collection, ...args: Parameters<typeof original>) {
      if (args[0]['_id'] === 'fence') return Promise.reject(new MongoNetworkError('connection 7 closed'));
      return Reflect.apply(original, this, args);
    });
    await expect(open()).rejects.toMatchObject({ code: 'store_unavailable' });
    failing.mockRestore();
    expect(await meta.findOne({ _id: 'owner' })).toMatchObject({ value: 1, lease_expires_at: 0 });
    expect((await open()).fence).toBe(2);
  });

  test('O2: an owner that slept past its lease writes nothing before it knows that it is still the one', async () => {
    const clock = new ManualClock(NOW);
    const store = await open({}, clock);
    const key = await store.resolveCorrespondent(BOT, PROVIDER, ['ann']);
    clock.advance(30_000);
    await expect(store.accept(acceptText(key, textMessage(1)))).rejects.toMatchObject({
      code: 'store_unavailable',
    });
    const tryAgain = (): Promise<unknown> => {
      // Shorter than the time that a renewal has.
      clock.advance(1_000);
      return store.accept(acceptText(key, textMessage(1))).catch(({ code }: DragomanError) => code);
    };
    await expect.poll(tryAgain).toEqual({ kind: 'accepted' });
  });

  test('O3: an owner that was overtaken while it slept is told, and nothing of it is written any more', async () => {
    const clock = new ManualClock(NOW);
    const lost = Promise.withResolvers<DragomanError>();
    const store = await open({ lost: lost.resolve }, clock);
    const key = await store.resolveCorrespondent(BOT, PROVIDER, ['ann']);
    // As if the lease had ended by the server's clock.
    await database.client
      .db()
      .collection<{ _id: string }>('meta')
      .updateOne({ _id: 'owner' }, { $set: { lease_expires_at: 0 } });
    const next = await open();
    clock.advance(3_000);
    expect(await lost.promise).toMatchObject({ code: 'fenced' });
    const refused = { code: 'fenced' };
    await expect(store.accept(acceptText(key, textMessage(1)))).rejects.toMatchObject(refused);
    await expect(store.holdJobs(BOT, NOW)).rejects.toMatchObject(refused);
    expect(await next.rehydrate(key)).toEqual({ nextId: 1, messages: [] });
  });

  /** The lease's document, on the way to which renewals wait; `sent` counts them. */
  function slowMeta() {
    const meta = metaOf(database.client.db());
    const way = gate();
    const renewals: Promise<unknown>[] = [];
    const slow = new Proxy(meta, {
      get(target, name) {
        if (name !== 'updateOne') return Reflect.get(target, name, target) as unknown;
        return (...[filter, change]: Parameters<Collection<MetaDocument>['updateOne']>) => {
          if (!Array.isArray(change)) return target.updateOne(filter, change, { upsert: true });
          const renewal = way.passed.then(() => target.updateOne(filter, change));
          renewals.push(renewal);
          return renewal;
        };
      },
    });
    return { meta, slow, way, renewals };
  }

  test('O4: a lease that is released while its renewal is on its way is free, and stays free', async () => {
    const { meta, slow, way, renewals } = slowMeta();
    const clock = new ManualClock(NOW);
    const options = { ...wishing(), log: silentLogger };
    const owner = await Ownership.take({ ...options, clock, meta: slow });
    clock.advance(3_000);
    expect(renewals).toHaveLength(1);
    await owner.release();
    way.open();
    await Promise.all(renewals);
    const next = await Ownership.take({ ...options, clock: systemClock(), meta });
    expect(next.fence).toBe(owner.fence + 1);
    await next.release();
  });

  test('a renewal that gets no answer is sent again before the lease ends', async () => {
    const { slow, way, renewals } = slowMeta();
    const clock = new ManualClock(NOW);
    const owner = await Ownership.take({ ...wishing(), log: silentLogger, clock, meta: slow });
    clock.advance(3_000);
    while (renewals.length < 2 && clock.now() < NOW + 9_000) {
      clock.advance(500);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(clock.now()).toBeLessThan(NOW + 7_000);
    way.open();
    await Promise.all(renewals);
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(NOW + 11_000 - clock.now());
    expect(() => owner.expectOwned()).not.toThrow();
    await owner.release();
  });

  test('S2: a late write of a former owner is refused by the fence, though it has not heard of the new one', async () => {
    const [former, newer] = [await openStoreOn(database.url), await openStoreOn(database.url)];
    onTestFinished(async () => {
      await former.close();
      await newer.close();
    });
    const key = await newer.resolveCorrespondent(BOT, PROVIDER, ['ann']);
    const placeholder = placeholderMessage(1);
    await newer.accept(acceptMedia(key, placeholder));
    const refused = { code: 'fenced' };
    await expect(former.rehydrate(key)).rejects.toMatchObject(refused);
    await expect(former.holdJobs(BOT, NOW)).rejects.toMatchObject(refused);
    await expect(former.promoteJobs(BOT, NOW)).rejects.toMatchObject(refused);
    await expect(former.sweepToHolding(NOW)).rejects.toMatchObject(refused);
    const guid = placeholder.mediaProcessingId;
    await expect(former.discardJob(guid, jobError(), NOW)).rejects.toMatchObject(refused);
    expect(await newer.jobByGuid(guid)).toMatchObject({ collection: 'active', status: 'pending' });
  });
});
