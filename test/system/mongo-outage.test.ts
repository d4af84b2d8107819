import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { hasCode } from '../../src/base/errors.ts';
import type { CorrespondentKey } from '../../src/jobs/job.ts';
import type { Store } from '../../src/store/store.ts';
import { mustClaim } from '../contract/store/jobs.ts';
import { chat } from '../contract/store/subject.ts';
import {
  MONGODB_URL,
  openStoreOn,
  openWorkerStoreOn,
  SKIPPED,
  TestDatabase,
  urlThrough,
} from '../support/mongo-subject.ts';
import {
  acceptMedia,
  acceptText,
  fulfilled,
  HOUR_MS,
  NOW,
  placeholderMessage,
  textMessage,
} from '../support/store-records.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';

const CALL_DEADLINE_MS = 1_500;
/** A transaction that nobody ends is open at the server for a minute. */
const SOON_MS = 15_000;

const CLAIM = { pool: 'audio', now: NOW, leaseMs: HOUR_MS, cappedBots: [] };

/** Of one call whose connection is cut again and again. */
const MAX_ATTEMPTS = 30;

const unavailable = (error: unknown): boolean => hasCode(error, 'store_unavailable');

if (MONGODB_URL === undefined) console.warn(`outages of MongoDB: ${SKIPPED}`);

describe.skipIf(MONGODB_URL === undefined)('when MongoDB fails', () => {
  let database: TestDatabase;
  let proxy: TcpProxy;
  let store: Store;
  let key: CorrespondentKey;

  beforeAll(() => {
    database = new TestDatabase();
  });
  afterAll(() => database.drop());
  beforeEach(async () => {
    proxy = await TcpProxy.before(new URL(database.url));
    store = await openStoreOn(urlThrough(proxy.port, database.name), CALL_DEADLINE_MS);
    key = await chat(store, 'a');
  });
  afterEach(async () => {
    proxy.heal();
    await store.close();
    await proxy.close();
    await database.empty();
  });

  /** As an owner does whose call failed: forgets, rehydrates until that succeeds, and goes on from there. */
  async function recovered(): Promise<Awaited<ReturnType<Store['rehydrate']>>> {
    const until = Date.now() + SOON_MS;
    for (;;) {
      try {
        return await store.rehydrate(key);
      } catch (error) {
        if (!unavailable(error) || Date.now() > until) throw error;
      }
    }
  }

  /** The gateway sends again what was not acknowledged. Returns the ids that the journal holds. */
  async function acceptedAgain(providerMessageId: string): Promise<readonly number[]> {
    const { nextId } = await recovered();
    await store.accept(acceptText(key, textMessage(nextId, { providerMessageId })));
    return (await store.rehydrate(key)).messages.map(({ id }) => id);
  }

  test.for([
    ['before its commit arrives', 'commitTransaction', 'cut-before'],
    ['after its commit arrived', 'commitTransaction', 'cut-after'],
    ['in the middle of it', 'queue_journal', 'cut-before'],
  ] as const)('a connection that is cut %s leaves the transaction done, once', async ([, text, fate]) => {
    const met = proxy.meet(text, fate);
    const accepted = store.accept(acceptText(key, textMessage(1)));
    await met;
    expect(await accepted).toEqual({ kind: 'accepted' });
    expect(await store.accept(acceptText(key, textMessage(2, { providerMessageId: 'provider-1' })))).toEqual({
      kind: 'duplicate',
      id: 1,
    });
    expect((await store.rehydrate(key)).messages).toEqual([textMessage(1)]);
  });

  test.for([
    ['the commit', 'commitTransaction'],
    ['a write', 'queue_journal'],
    ['the first statement', 'findAndModify'],
  ] as const)('T1: %s that hangs ends by the deadline, and sent again it is there once', async ([, text]) => {
    const met = proxy.meet(text, 'hang');
    const accepted = store.accept(acceptText(key, textMessage(1, { providerMessageId: 'p' })));
    await met;
    const read = store.history(key, { afterSeq: 0, limit: 1 });
    for (const call of await Promise.allSettled([accepted, read])) {
      expect(call.status === 'rejected' && unavailable(call.reason)).toBe(true);
    }
    proxy.heal();
    expect(await acceptedAgain('p')).toEqual([1]);
  });

  test('a server that refuses for longer than the deadline is used again when it is back', async () => {
    proxy.refuse();
    const calls = [
      store.accept(acceptText(key, textMessage(1, { providerMessageId: 'p' }))),
      store.claim(CLAIM),
      store.countJobs(),
    ];
    for (const call of await Promise.allSettled(calls)) {
      expect(call.status === 'rejected' && unavailable(call.reason)).toBe(true);
    }
    proxy.heal();
    expect(await acceptedAgain('p')).toEqual([1]);
  });

  test('T4: a transaction left open by a broken connection does not keep its chat locked', async () => {
    const met = proxy.meet('commitTransaction', 'cut-before');
    const accepted = store.accept(acceptText(key, textMessage(1, { providerMessageId: 'p' })));
    await met;
    proxy.refuse();
    await expect(accepted).rejects.toSatisfy(unavailable);
    proxy.heal();
    expect(await acceptedAgain('p')).toEqual([1]);
  });

  test('a new owner finds no chat locked by what its predecessor left open', async () => {
    const met = proxy.meet('commitTransaction', 'hang');
    const accepted = store.accept(acceptText(key, textMessage(1)));
    await met;
    const newer = await openStoreOn(database.url, CALL_DEADLINE_MS);
    expect((await newer.rehydrate(key)).messages).toEqual([]);
    await newer.close();
    await expect(accepted).rejects.toSatisfy(unavailable);
  });

  test('S2: a commit that comes after a newer owner has been at the chat does not count', async () => {
    const placeholder = placeholderMessage(1);
    await store.accept(acceptMedia(key, placeholder));
    const met = proxy.meet('commitTransaction', 'hang');
    const guid = placeholder.mediaProcessingId;
    const settled = store.settle({
      correspondent: key,
      guid,
      message: fulfilled(placeholder),
      evictedIds: [],
      error: null,
    });
    await met;
    const newer = await openStoreOn(database.url);
    expect((await newer.rehydrate(key)).messages).toEqual([placeholder]);
    proxy.heal();
    await expect(settled).rejects.toSatisfy((error) => hasCode(error, 'fenced'));
    expect((await newer.rehydrate(key)).messages).toEqual([placeholder]);
    expect((await newer.jobByGuid(guid))?.status).toBe('pending');
    await newer.close();
  });

  test('S2: what a former owner commits is there before a newer one has read the chat, or never', async () => {
    const placeholder = placeholderMessage(1);
    await store.accept(acceptMedia(key, placeholder));
    const newer = await openStoreOn(database.url);
    const met = proxy.meet('commitTransaction', 'hang');
    const guid = placeholder.mediaProcessingId;
    const message = fulfilled(placeholder);
    const settled = store.settle({ correspondent: key, guid, message, evictedIds: [], error: null });
    await met;
    const read = newer.rehydrate(key);
    await newer.history(key, { afterSeq: 0, limit: 1 });
    proxy.heal();
    expect(await settled).toBe('settled');
    expect((await read).messages).toEqual([message]);
    await newer.close();
  });

  test('an arrival that overlaps a claim which found nothing is claimable', async () => {
    const other = await openStoreOn(database.url);
    const [first, second] = [
      placeholderMessage(1),
      placeholderMessage(2, undefined, { providerMessageId: 'p' }),
    ];
    await other.accept(acceptMedia(key, first));
    await other.claim(CLAIM);
    const met = proxy.meet('commitTransaction', 'hang');
    const claimed = store.claim(CLAIM);
    await met;
    const accepted = other.accept(acceptMedia(key, second));
    await other.history(key, { afterSeq: 0, limit: 1 });
    proxy.heal();
    await Promise.all([claimed, accepted]);
    expect((await claimed) ?? (await other.claim(CLAIM))).toMatchObject({ guid: second.mediaProcessingId });
    await other.close();
  });

  test('S5: a worker completes its job while the job is moved to holding', async () => {
    const worker = await openWorkerStoreOn(database.url);
    await store.accept(acceptMedia(key, placeholderMessage(1)));
    const claim = await mustClaim(worker);
    const met = proxy.meet('commitTransaction', 'hang');
    const held = store.holdJobs('bot-a', NOW);
    await met;
    const completed = worker.complete(claim, { kind: 'words', words: 'w' }, NOW);
    await worker.jobByGuid(claim.guid);
    proxy.heal();
    expect([await held, await completed]).toEqual([1, true]);
    expect(await worker.jobByGuid(claim.guid)).toMatchObject({ collection: 'holding', status: 'completed' });
    await worker.close();
  });

  test('S5: a worker completes its job although it is promoted between two looks', async () => {
    const owner = await openStoreOn(database.url);
    await owner.accept(acceptMedia(key, placeholderMessage(1)));
    const claim = await mustClaim(store);
    await owner.holdJobs('bot-a', NOW);
    const met = proxy.meet('media_processing_jobs_holding', 'hang');
    const completed = store.complete(claim, { kind: 'words', words: 'w' }, NOW);
    await met;
    expect(await owner.promoteJobs('bot-a', NOW)).toBe(1);
    proxy.heal();
    expect(await completed).toBe(true);
    expect(await owner.jobByGuid(claim.guid)).toMatchObject({ collection: 'active', status: 'completed' });
    await owner.close();
  });

  test('a primary that steps down fails no write for longer than the election takes', async () => {
    const direct = await openStoreOn(database.url);
    const ids = Array.from({ length: 60 }, (_, index) => index + 1);
    const admin = database.client.db('admin');
    const accepted = ids.map((id) => direct.accept(acceptText(key, textMessage(id))));
    await accepted[0];
    await admin.command({ replSetStepDown: 2, secondaryCatchUpPeriodSecs: 0, force: true });
    expect(new Set((await Promise.all(accepted)).map(({ kind }) => kind))).toEqual(new Set(['accepted']));
    expect((await direct.rehydrate(key)).messages.map(({ id }) => id)).toEqual(ids);
    await direct.close();
  });

  test('what many chats write while the network keeps breaking is there once and in order', async () => {
    const keys = await Promise.all(Array.from({ length: 4 }, (_, n) => chat(store, `chat-${n}`)));
    const perChat = 20;
    proxy.cutEvery(100);
    await Promise.all(keys.map((each) => writeAll(store, each, perChat)));
    proxy.heal();
    for (const each of keys) {
      const { messages } = await store.rehydrate(each);
      expect(messages.map(({ providerMessageId }) => providerMessageId)).toEqual(
        Array.from({ length: perChat }, (_, n) => `p-${n}`),
      );
      const ids = messages.map(({ id }) => id);
      expect(ids).toEqual(ids.toSorted((a, b) => a - b));
    }
  });
});

/** Accepts `count` messages one by one, each again and again until the store says that it has it. */
async function writeAll(store: Store, key: CorrespondentKey, count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) {
    for (let isThere = false, attempts = 0; !isThere; attempts += 1) {
      try {
        const { nextId } = await store.rehydrate(key);
        await store.accept(acceptText(key, textMessage(nextId, { providerMessageId: `p-${n}` })));
        isThere = true;
      } catch (error) {
        if (!unavailable(error) || attempts > MAX_ATTEMPTS) throw error;
      }
    }
  }
}
