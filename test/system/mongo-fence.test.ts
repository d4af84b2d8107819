import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { newGuid } from '../../src/base/ids.ts';
import type { CorrespondentKey } from '../../src/jobs/job.ts';
import type { ReadyMessage } from '../../src/queue/message.ts';
import type { Store } from '../../src/store/store.ts';
import { media } from '../contract/store/jobs.ts';
import { chat } from '../contract/store/subject.ts';
import { drowsyStoreOn } from '../support/drowsy-store.ts';
import { MONGODB_URL, openStoreOn, SKIPPED, TestDatabase } from '../support/mongo-subject.ts';
import {
  acceptMedia,
  acceptText,
  fulfilled,
  jobError,
  NOW,
  placeholderMessage,
  PROVIDER,
  stagedMedia,
  textMessage,
} from '../support/store-records.ts';

if (MONGODB_URL === undefined) console.warn(`the fence of a MongoDB store: ${SKIPPED}`);

const BOT = 'bot-a';
/** Where there is nothing of whatever is looked for. */
const LONG_AGO = 0;
const LATER = Number.MAX_SAFE_INTEGER;

/** A chat with a text in its history, one in its journal, and a job of each kind. */
interface Scene {
  readonly key: CorrespondentKey;
  readonly text: ReadyMessage;
  readonly downloading: string;
  readonly pending: string;
  readonly pendingPlace: number;
  readonly failed: string;
  readonly nextId: number;
}

async function furnish(store: Store): Promise<Scene> {
  const key = await chat(store, 'ann', BOT);
  const [ingested, text] = [textMessage(1), textMessage(2)];
  for (const message of [ingested, text]) await store.accept(acceptText(key, message));
  await store.ingest({ correspondent: key, messages: [ingested], now: NOW });
  const pendingPlace = 3;
  const pending = await media(store, key);
  const downloading = await media(store, key, { start: { kind: 'downloading' } });
  const failed = await media(store, key);
  const { nextId } = await store.rehydrate(key);
  const message = fulfilled(placeholderMessage(nextId - 1, failed));
  await store.settle({ correspondent: key, guid: failed, message, evictedIds: [], error: jobError() });
  await media(store, key, { collection: 'holding' });
  return { key, text, downloading, pending, pendingPlace, failed, nextId: nextId + 1 };
}

type Write = (store: Store, scene: Scene) => Promise<unknown>;

const WRITES: Readonly<Record<string, Write>> = {
  resolveCorrespondent: (store) => store.resolveCorrespondent(BOT, PROVIDER, ['ann', 'another name']),
  'resolveCorrespondent of a new chat': (store) => store.resolveCorrespondent(BOT, PROVIDER, ['bea']),
  rehydrate: (store, { key }) => store.rehydrate(key),
  'accept of a text': (store, { key, nextId }) => store.accept(acceptText(key, textMessage(nextId))),
  'accept of a medium': (store, { key, nextId }) =>
    store.accept(acceptMedia(key, placeholderMessage(nextId))),
  settle: (store, { key, pending, pendingPlace }) =>
    store.settle({
      correspondent: key,
      guid: pending,
      message: fulfilled(placeholderMessage(pendingPlace, pending)),
      evictedIds: [],
      error: null,
    }),
  ingest: (store, { key, text }) => store.ingest({ correspondent: key, messages: [text], now: NOW }),
  evict: (store, { key, text }) => store.evict(key, [text.id]),
  reinstate: (store, { key, pending, pendingPlace }) =>
    store.reinstate(key, placeholderMessage(pendingPlace, pending), []),
  stage: (store, { downloading }) => store.stage(downloading, stagedMedia(), NOW),
  discardJob: (store, { downloading }) => store.discardJob(downloading, jobError(), NOW),
  expireJob: (store, { downloading }) =>
    store.expireJob({ guid: downloading, changedAt: NOW }, jobError(), NOW),
  holdJobs: (store) => store.holdJobs(BOT, NOW),
  promoteJobs: (store) => store.promoteJobs(BOT, NOW),
  sweepToHolding: (store) => store.sweepToHolding(NOW),
  rerouteHeldJobs: (store) => store.rerouteHeldJobs(() => 'another pool'),
  dropFailedJob: (store, { failed }) => store.dropFailedJob(failed),
  retryFailedJob: (store, { key, failed, nextId }) =>
    store.retryFailedJob({
      correspondent: key,
      placeholder: placeholderMessage(nextId, failed),
      evictedIds: [],
      mimeType: 'audio/ogg',
      pool: 'audio',
      collection: 'active',
    }),
  saveBot: (store) =>
    store.saveBot({
      botId: BOT,
      providerName: PROVIDER,
      gatewayId: 'gateway-1',
      createdAt: NOW,
      stopped: true,
      pairingPhone: null,
      settings: null,
      removed: false,
    }),
  pruneHistory: (store) => store.pruneHistory(BOT, LATER),
  pruneMessageIds: (store) => store.pruneMessageIds(LATER),
  forgetChat: (store, { key }) => store.forgetChat(key),
};

describe.skipIf(MONGODB_URL === undefined)('a former owner that slept inside its transaction', () => {
  let database: TestDatabase;
  beforeAll(() => {
    database = new TestDatabase();
  });
  afterEach(() => database.empty());
  afterAll(() => database.drop());

  const dump = async (): Promise<unknown> => {
    const collections = await database.client.db().collections();
    const named = collections.toSorted((a, b) => (a.collectionName < b.collectionName ? -1 : 1));
    return Promise.all(named.map((each) => each.find({}, { sort: { _id: 1 } }).toArray()));
  };

  test.each(Object.entries(WRITES))('S2: writes nothing any more by %s', async (_name, write) => {
    const former = await openStoreOn(database.url);
    onTestFinished(() => former.close());
    const scene = await furnish(former);
    const drowsy = drowsyStoreOn(database.url, former.fence);
    onTestFinished(() => drowsy.store.close());
    const written = write(drowsy.store, scene);
    await drowsy.asleep;
    const newer = await openStoreOn(database.url);
    onTestFinished(() => newer.close());
    await newer.rehydrate(scene.key);
    const before = await dump();
    drowsy.wake();
    await expect(written).rejects.toMatchObject({ code: 'fenced' });
    expect(await dump()).toEqual(before);
  });

  test('is not in the way of the newer one while it sleeps', async () => {
    const former = await openStoreOn(database.url);
    onTestFinished(() => former.close());
    const { downloading } = await furnish(former);
    const drowsy = drowsyStoreOn(database.url, former.fence);
    onTestFinished(() => drowsy.store.close());
    const written = drowsy.store.stage(downloading, stagedMedia(), NOW);
    await drowsy.asleep;
    const newer = await openStoreOn(database.url);
    onTestFinished(() => newer.close());
    expect(await newer.stage(downloading, stagedMedia(), NOW)).toBe('pending');
    expect(await newer.stage(newGuid(), stagedMedia(), LONG_AGO)).toBe('unknown');
    drowsy.wake();
    await expect(written).rejects.toMatchObject({ code: 'fenced' });
  });
});
