import { describe, expect, test } from 'vitest';
import { newGuid } from '../../../src/base/ids.ts';
import type { CorrespondentKey } from '../../../src/jobs/job.ts';
import type { JobRetry } from '../../../src/store/failed-job-store.ts';
import type { BotJobs } from '../../../src/store/job-store.ts';
import type { Store } from '../../../src/store/store.ts';
import {
  acceptText,
  fulfilled,
  jobError,
  NOW,
  placeholderMessage,
  textMessage,
} from '../../support/store-records.ts';
import { claimNext, media, mustClaim } from './jobs.ts';
import { chat, type Suite, useSubject } from './subject.ts';

const RETRIED_AT = NOW + 10_000;

/** A medium that failed: its text is in the journal, its job is kept. */
async function failed(store: Store, key: CorrespondentKey): Promise<string> {
  const guid = await media(store, key);
  const job = await mustClaim(store);
  await store.complete(job, { kind: 'failure', words: 'no', error: jobError() }, NOW);
  await store.settle({
    correspondent: key,
    guid,
    message: fulfilled(job.placeholder, '[no] a caption'),
    evictedIds: [],
    error: { ...jobError(), stack: 'at x' },
  });
  return guid;
}

async function retryOf(
  store: Store,
  key: CorrespondentKey,
  guid: string,
  changes: Partial<JobRetry> = {},
): Promise<JobRetry> {
  const { nextId } = await store.rehydrate(key);
  const original = await store.jobByGuid(guid);
  const correctsId = original?.placeholder.id ?? null;
  return {
    correspondent: key,
    placeholder: placeholderMessage(nextId, guid, { acceptedTime: RETRIED_AT, correctsId }),
    evictedIds: [],
    mimeType: 'audio/aac',
    pool: 'audio',
    collection: 'active',
    ...changes,
  };
}

export const failedJobSuite: Suite = (open) => {
  describe('failed jobs', () => {
    const subject = useSubject(open);

    test('a failed job keeps reason, stack and attempts', async () => {
      const { store } = subject();
      const guid = await failed(store, await chat(store, 'a'));
      expect(await store.jobByGuid(guid)).toMatchObject({
        collection: 'failed',
        attempts: 1,
        error: { code: 'failed', reason: 'it failed', stack: 'at x' },
      });
    });

    test('a bot’s failed jobs are found by when they failed, and dropped one by one while they are gone through', async () => {
      const { store } = subject();
      const key = await chat(store, 'a');
      const guids = [await media(store, key), await media(store, key), await media(store, key)];
      for (const [index, guid] of guids.entries()) await store.discardJob(guid, jobError(), NOW + index);
      const found: string[] = [];
      for (let afterSeq: number | null = 0; afterSeq !== null;) {
        const page = { collection: 'failed', changedBefore: NOW + 2, afterSeq, limit: 1 } as const;
        const { jobs, nextAfterSeq }: BotJobs = await store.jobsOfBot('bot-a', page);
        for (const { guid } of jobs) {
          found.push(guid);
          expect(await store.dropFailedJob(guid)).toBe('dropped');
        }
        afterSeq = nextAfterSeq;
      }
      expect(found).toEqual(guids.slice(0, 2));
      expect(await store.jobsAmong(guids)).toMatchObject([{ guid: guids[2] }]);
    });

    test('jobs of a collection are listed, the newest first, page by page', async () => {
      const { store } = subject();
      const key = await chat(store, 'a');
      const guids = [await failed(store, key), await failed(store, key), await failed(store, key)];
      await media(store, key);
      const query = { collection: 'failed', filter: {}, limit: 2 } as const;
      const first = await store.listJobs({ ...query, beforeSeq: null });
      expect(first.jobs.map(({ guid }) => guid)).toEqual([guids[2], guids[1]]);
      const last = await store.listJobs({ ...query, beforeSeq: first.nextBeforeSeq });
      expect(last.jobs.map(({ guid }) => guid)).toEqual([guids[0]]);
      expect(last.nextBeforeSeq).toBeNull();
      const all = await store.listJobs({ ...query, beforeSeq: null, limit: 3 });
      expect(all.nextBeforeSeq).toBeNull();
    });

    test('lists are narrowed by bot, pool and state', async () => {
      const { store } = subject();
      const [a, b] = [await chat(store, 'a'), await chat(store, 'b', 'bot-b')];
      const guid = await media(store, a);
      const other = await media(store, b);
      const unstaged = await media(store, a, { start: { kind: 'downloading' } });
      const list = async (filter: Parameters<Store['listJobs']>[0]['filter']): Promise<readonly string[]> => {
        const page = await store.listJobs({ collection: 'active', filter, beforeSeq: null, limit: 10 });
        return page.jobs.map((job) => job.guid);
      };
      expect(await list({})).toEqual([unstaged, other, guid]);
      expect(await list({ botId: 'bot-a' })).toEqual([unstaged, guid]);
      expect(await list({ botId: 'bot-a', pool: 'audio' })).toEqual([guid]);
      expect(await list({ status: 'downloading' })).toEqual([unstaged]);
      expect(await list({ pool: 'video' })).toEqual([]);
      const holding = { collection: 'holding', filter: {}, beforeSeq: null, limit: 10 } as const;
      expect(await store.listJobs(holding)).toEqual({ jobs: [], nextBeforeSeq: null });
    });

    test('a dropped failed job is gone; a live job is not dropped', async () => {
      const { store } = subject();
      const key = await chat(store, 'a');
      const guid = await failed(store, key);
      expect(await store.dropFailedJob(guid)).toBe('dropped');
      expect(await store.jobByGuid(guid)).toBeNull();
      expect(await store.dropFailedJob(guid)).toBe('not_found');
      const live = await media(store, key);
      expect(await store.dropFailedJob(live)).toBe('not_failed');
      expect(await store.jobByGuid(live)).toMatchObject({ collection: 'active' });
    });

    test('S4: a retried failed job is a placeholder at the tail and a job to claim, in one transaction', async () => {
      const { store } = subject();
      const key = await chat(store, 'a');
      const guid = await failed(store, key);
      await store.accept(acceptText(key, textMessage(2)));
      const retry = await retryOf(store, key, guid, { evictedIds: [2] });
      expect(retry.placeholder).toMatchObject({ id: 3, correctsId: 1 });
      expect(await store.retryFailedJob(retry)).toBe('retried');

      const { nextId, messages } = await store.rehydrate(key);
      expect(nextId).toBe(4);
      expect(messages).toMatchObject([{ id: 1, content: '[no] a caption' }, retry.placeholder]);
      expect(await store.jobByGuid(guid)).toMatchObject({
        collection: 'active',
        status: 'pending',
        mimeType: 'audio/aac',
        pool: 'audio',
        placeholder: retry.placeholder,
        attempts: 0,
        result: null,
        error: null,
        createdAt: RETRIED_AT,
        changedAt: RETRIED_AT,
        stagedAt: RETRIED_AT,
        claimedAt: null,
        completedAt: null,
      });
      expect((await mustClaim(store)).guid).toBe(guid);
    });

    test('a retried job goes to the pool and the collection that are asked for', async () => {
      const { store } = subject();
      const key = await chat(store, 'a');
      const guid = await failed(store, key);
      await store.retryFailedJob(await retryOf(store, key, guid, { pool: 'voice', collection: 'holding' }));
      expect(await claimNext(store, undefined, 'voice')).toBeNull();
      await store.promoteJobs('bot-a', NOW);
      expect((await mustClaim(store, undefined, 'voice')).guid).toBe(guid);
    });

    test('a retried job that fails again is kept again, and can be retried once more', async () => {
      const { store } = subject();
      const key = await chat(store, 'a');
      const guid = await failed(store, key);
      for (const expected of [2, 3]) {
        const retry = await retryOf(store, key, guid);
        expect(retry.placeholder.id).toBe(expected);
        expect(await store.retryFailedJob(retry)).toBe('retried');
        await store.settle({
          correspondent: key,
          guid,
          message: fulfilled(retry.placeholder),
          evictedIds: [],
          error: jobError(),
        });
        expect(await store.jobByGuid(guid)).toMatchObject({ collection: 'failed' });
      }
    });

    test('what is not a failed job of this chat is not retried, and nothing is written', async () => {
      const { store } = subject();
      const [key, other] = [await chat(store, 'a'), await chat(store, 'b')];
      const live = await media(store, key);
      const guid = await failed(store, other);
      const before = await store.rehydrate(key);
      expect(await store.retryFailedJob(await retryOf(store, key, live))).toBe('not_failed');
      expect(await store.retryFailedJob(await retryOf(store, key, newGuid()))).toBe('not_found');
      expect(await store.retryFailedJob(await retryOf(store, key, guid))).toBe('not_found');
      expect(await store.rehydrate(key)).toEqual(before);
      expect(await store.jobByGuid(guid)).toMatchObject({ collection: 'failed' });
    });

    test('an id that the chat has used is refused, and nothing is written', async () => {
      const { store } = subject();
      const key = await chat(store, 'a');
      const guid = await failed(store, key);
      const retry = await retryOf(store, key, guid, { placeholder: placeholderMessage(1, guid) });
      await expect(store.retryFailedJob(retry)).rejects.toMatchObject({ code: 'invariant_broken' });
      expect(await store.jobByGuid(guid)).toMatchObject({ collection: 'failed' });
      expect((await store.rehydrate(key)).nextId).toBe(2);
    });

    test('S2: an owner that was replaced retries nothing', async () => {
      const { store, rival } = subject();
      const key = await chat(store, 'a');
      const guid = await failed(store, key);
      const retry = await retryOf(store, key, guid);
      const newer = await rival();
      await newer.rehydrate(key);
      await newer.close();
      await expect(store.retryFailedJob(retry)).rejects.toMatchObject({ code: 'fenced' });
    });
  });
};
