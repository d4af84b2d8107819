import { describe, expect, test } from 'vitest';
import { newGuid } from '../../../src/base/ids.ts';
import { acceptText, HOUR_MS, jobError, NOW, PROVIDER, textMessage } from '../../support/store-records.ts';
import { jobsIn } from '../../support/jobs-in.ts';
import { claimNext, media, mustClaim } from './jobs.ts';
import { chat, type Suite, useSubject } from './subject.ts';

const STALE = jobError('stale');
const WHOLE = { afterSeq: 0, limit: 100 };

export const upkeepSuite: Suite = (open) => {
  describe('upkeep', () => {
    const subject = useSubject(open);

    test('a bot’s jobs come page by page, in seq order, by state and by age', async () => {
      const { store } = subject();
      const key = await chat(store, 'a');
      const guids: string[] = [];
      for (let n = 0; n < 5; n += 1) guids.push(await media(store, key));
      await media(store, await chat(store, 'b', 'bot-b'));
      const first = await store.jobsOfBot('bot-a', { collection: 'active', afterSeq: 0, limit: 3 });
      expect(first.jobs.map(({ guid }) => guid)).toEqual(guids.slice(0, 3));
      if (first.nextAfterSeq === null) throw new Error('expected another page');
      const next = { collection: 'active', afterSeq: first.nextAfterSeq, limit: 3 } as const;
      const last = await store.jobsOfBot('bot-a', next);
      expect(last.jobs.map(({ guid }) => guid)).toEqual(guids.slice(3));
      expect(last.nextAfterSeq).toBeNull();
      const of = async (changedBefore: number) =>
        (await store.jobsOfBot('bot-a', { collection: 'active', changedBefore, afterSeq: 0, limit: 9 })).jobs
          .length;
      expect(await of(NOW)).toBe(0);
      expect(await of(NOW + 1)).toBe(5);
    });

    test('an idle job expires as a failure that waits to be settled', async () => {
      const { store } = subject();
      const key = await chat(store, 'a');
      const waiting = await media(store, key);
      const downloading = await media(store, key, { start: { kind: 'downloading' }, collection: 'holding' });
      const idle = (guid: string, changedAt = NOW) => store.expireJob({ guid, changedAt }, STALE, NOW + 5);
      const ended = { status: 'completed', error: STALE, result: null, changedAt: NOW + 5 };
      expect(await idle(waiting, NOW - 1)).toBeNull();
      expect(await idle(waiting)).toMatchObject({ ...ended, guid: waiting, collection: 'active' });
      expect(await idle(downloading)).toMatchObject({ ...ended, collection: 'holding' });
      expect(await idle(newGuid())).toBeNull();
      expect(await idle(waiting, NOW + 5)).toBeNull();
      expect(await claimNext(store)).toBeNull();
      expect(await jobsIn(store, 'bot-a', 'active', ['completed'])).toHaveLength(1);
    });

    test('a job that is leased or has failed does not expire', async () => {
      const { store } = subject();
      const key = await chat(store, 'a');
      const guid = await media(store, key);
      const claim = await mustClaim(store);
      expect(await store.expireJob({ guid, changedAt: claim.changedAt }, STALE, NOW)).toBeNull();
      await store.discardJob(guid, jobError(), NOW);
      expect(await store.expireJob({ guid, changedAt: NOW }, STALE, NOW)).toBeNull();
      expect(await store.jobByGuid(guid)).toMatchObject({ collection: 'failed', error: jobError() });
    });

    test('tells which GUIDs have a job, in whichever collection', async () => {
      const { store } = subject();
      const key = await chat(store, 'a');
      const active = await media(store, key);
      const held = await media(store, key, { collection: 'holding', start: { kind: 'downloading' } });
      const dead = await media(store, key);
      await store.discardJob(dead, jobError(), NOW + 3);
      const traces = await store.jobsAmong([newGuid(), dead, held, active]);
      expect(new Map(traces.map((trace) => [trace.guid, trace]))).toEqual(
        new Map([
          [active, { guid: active, collection: 'active', status: 'pending', changedAt: NOW }],
          [held, { guid: held, collection: 'holding', status: 'downloading', changedAt: NOW }],
          [dead, { guid: dead, collection: 'failed', status: 'completed', changedAt: NOW + 3 }],
        ]),
      );
      expect(await store.jobsAmong([])).toEqual([]);
    });

    test('history grows too old by the time of its ingestion, bot by bot', async () => {
      const { store } = subject();
      const [a, b] = [await chat(store, 'a'), await chat(store, 'b', 'bot-b')];
      for (const key of [a, b]) {
        for (const id of [1, 2, 3]) {
          const message = textMessage(id);
          await store.accept(acceptText(key, message));
          await store.ingest({ correspondent: key, messages: [message], now: NOW + id });
        }
      }
      expect(await store.pruneHistory('bot-a', NOW + 1)).toBe(0);
      expect(await store.pruneHistory('bot-a', NOW + 3)).toBe(2);
      expect((await store.history(a, WHOLE)).map(({ ingestSeq }) => ingestSeq)).toEqual([3]);
      expect(await store.history(b, WHOLE)).toHaveLength(3);
      expect(await store.pruneHistory('bot-a', NOW + HOUR_MS)).toBe(1);
      const next = textMessage(4);
      await store.accept(acceptText(a, next));
      await store.ingest({ correspondent: a, messages: [next], now: NOW + 4 });
      expect((await store.history(a, WHOLE)).map(({ ingestSeq }) => ingestSeq)).toEqual([4]);
    });

    test('a forgotten chat leaves nothing but the numbers that are not used twice', async () => {
      const { store } = subject();
      const key = await chat(store, 'a');
      await store.resolveCorrespondent('bot-a', PROVIDER, ['a', 'a@lid']);
      const other = await chat(store, 'other');
      const otherJob = await media(store, other);
      const ingested = textMessage(1);
      await store.accept(acceptText(key, ingested));
      await store.ingest({ correspondent: key, messages: [ingested], now: NOW });
      await store.accept(acceptText(key, textMessage(2)));
      const guid = await media(store, key);
      const dead = await media(store, key);
      await store.settle({
        correspondent: key,
        guid: dead,
        message: textMessage(4),
        evictedIds: [],
        error: jobError(),
      });

      const forgotten = await store.forgetChat(key);
      expect(forgotten?.messages).toBe(4);
      expect(new Set(forgotten?.media)).toEqual(
        new Set([guid, dead].map((each) => ({ guid: each, gatewayId: 'gateway-1' }))),
      );
      expect(await store.forgetChat(key)).toBeNull();
      expect(await store.history(key, WHOLE)).toEqual([]);
      expect(await store.jobsAmong([guid, dead])).toEqual([]);
      expect((await store.correspondents('bot-a')).map(({ correspondentId }) => correspondentId)).toEqual([
        'other',
      ]);
      await expect(store.rehydrate(key)).rejects.toMatchObject({ code: 'not_found' });
      expect(await store.jobsAmong([otherJob])).toHaveLength(1);

      const anew = await store.resolveCorrespondent('bot-a', PROVIDER, ['a@lid', 'a']);
      expect(anew).toMatchObject({ correspondentId: 'a@lid', nextId: 5, nextIngestSeq: 2 });
      const again = { ...textMessage(5), providerMessageId: 'provider-1' };
      expect(await store.accept(acceptText(anew, again))).toEqual({ kind: 'accepted' });
      expect((await store.rehydrate(anew)).messages.map(({ id }) => id)).toEqual([5]);
    });

    test('a chat is named by each of its identifiers, behind those that were merged into it', async () => {
      const { store } = subject();
      const [older, younger] = [await chat(store, 'phone'), await chat(store, 'lid')];
      await store.resolveCorrespondent('bot-a', PROVIDER, ['phone', 'lid']);
      for (const identifier of ['lid', 'phone']) {
        expect(await store.chatsNamed('bot-a', identifier)).toMatchObject([
          { ...younger, aliases: ['lid'] },
          { ...older, aliases: ['phone', 'lid'] },
        ]);
      }
      expect(await store.chatsNamed('bot-b', 'phone')).toEqual([]);
      for (const key of await store.chatsNamed('bot-a', 'lid')) {
        expect(await store.forgetChat(key)).toEqual({ messages: 0, media: [] });
      }
      expect(await store.correspondents('bot-a')).toEqual([]);
      expect(await chat(store, 'lid')).toEqual(younger);
    });

    test('S2: a chat is not forgotten by an owner that was overtaken', async () => {
      const { store, rival } = subject();
      const key = await chat(store, 'a');
      await (await rival()).rehydrate(key);
      await expect(store.forgetChat(key)).rejects.toMatchObject({ code: 'fenced' });
    });
  });
};
