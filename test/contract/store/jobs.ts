import { describe, expect, test } from 'vitest';
import { newGuid } from '../../../src/base/ids.ts';
import type { ClaimedJob, CorrespondentKey } from '../../../src/jobs/job.ts';
import type { NewJob } from '../../../src/store/message-store.ts';
import type { Store } from '../../../src/store/store.ts';
import {
  acceptMedia,
  HOUR_MS,
  jobError,
  mediaMetadata,
  NOW,
  placeholderMessage,
  stagedMedia,
} from '../../support/store-records.ts';
import { chat, type Suite, useSubject } from './subject.ts';
import { jobsIn } from '../../support/jobs-in.ts';

const LAPSED = -1;
const MINUTE_MS = 60_000;

/** Accepts a medium at the chat's next place. Returns its GUID. */
export async function media(
  store: Store,
  key: CorrespondentKey,
  changes: Partial<NewJob> = {},
): Promise<string> {
  const { nextId } = await store.rehydrate(key);
  const guid = newGuid();
  await store.accept(
    acceptMedia(key, placeholderMessage(nextId, guid, { providerMessageId: null }), changes),
  );
  return guid;
}

type Claiming = Pick<Store, 'claim'>;

export const claimNext = (store: Claiming, leaseMs = HOUR_MS, pool = 'audio'): Promise<ClaimedJob | null> =>
  store.claim({ pool, now: NOW, leaseMs, cappedBots: [] });

export async function mustClaim(store: Claiming, leaseMs = HOUR_MS, pool = 'audio'): Promise<ClaimedJob> {
  const job = await claimNext(store, leaseMs, pool);
  if (job === null) throw new Error('expected a claimable job');
  return job;
}

export const jobSuite: Suite = (open) => {
  describe('jobs', () => {
    const subject = useSubject(open);

    test('a staged medium is claimable at once, and its claim carries all of it', async () => {
      const { store } = subject();
      const key = await chat(store, 'a');
      const guid = newGuid();
      const placeholder = placeholderMessage(1, guid);
      await store.accept(acceptMedia(key, placeholder));
      const job = await mustClaim(store);
      expect(job).toMatchObject({
        guid,
        correspondent: key,
        placeholder,
        collection: 'active',
        status: 'processing',
        mimeType: 'audio/ogg',
        pool: 'audio',
        originalFilename: 'voice.ogg',
        result: null,
        error: null,
        attempts: 0,
        availableAt: null,
        createdAt: placeholder.acceptedTime,
        changedAt: NOW,
        media: mediaMetadata(),
      });
      expect(job.claimToken).toMatch(/^[0-9a-f-]{36}$/);
      expect(job.leaseExpiresAt).toBeGreaterThan(NOW);
      expect(await claimNext(store)).toBeNull();
    });

    test('a downloading medium is claimable once it is staged', async () => {
      const { store } = subject();
      const key = await chat(store, 'a');
      const guid = await media(store, key, { start: { kind: 'downloading' }, mimeType: 'audio/aac' });
      expect(await store.jobByGuid(guid)).toMatchObject({
        status: 'downloading',
        pool: null,
        mimeType: 'audio/aac',
        media: { bytes: null, sha256: null, gatewayId: 'gateway-1' },
      });
      expect(await claimNext(store)).toBeNull();
      expect(await store.stage(guid, stagedMedia(), NOW + 1)).toBe('pending');
      expect(await store.stage(guid, stagedMedia('other'), NOW + 2)).toBe('already');
      expect(await store.jobByGuid(guid)).toMatchObject({
        status: 'pending',
        pool: 'audio',
        changedAt: NOW + 1,
        media: mediaMetadata(),
      });
      expect((await mustClaim(store)).guid).toBe(guid);
      expect(await store.stage(guid, stagedMedia(), NOW)).toBe('already');
    });

    test('staging a GUID without a live job is unknown', async () => {
      const { store } = subject();
      const key = await chat(store, 'a');
      const guid = await media(store, key, { start: { kind: 'downloading' } });
      await store.discardJob(guid, jobError('stale'), NOW);
      expect(await store.stage(guid, stagedMedia(), NOW)).toBe('unknown');
      expect(await store.stage(newGuid(), stagedMedia(), NOW)).toBe('unknown');
    });

    test('a pool claims its own jobs only', async () => {
      const { store } = subject();
      const key = await chat(store, 'a');
      await media(store, key);
      expect(await claimNext(store, HOUR_MS, 'video')).toBeNull();
      expect(await claimNext(store)).not.toBeNull();
    });

    test('concurrent claimers never share a job', async () => {
      const { store } = subject();
      const keys = [await chat(store, 'a'), await chat(store, 'b', 'bot-b'), await chat(store, 'c', 'bot-c')];
      const guids = [];
      for (const key of keys) for (let n = 0; n < 10; n += 1) guids.push(await media(store, key));
      const claims = await Promise.all(Array.from({ length: 40 }, () => claimNext(store)));
      const claimed = claims.flatMap((job) => (job === null ? [] : [job.guid]));
      expect(claimed.toSorted()).toEqual(guids.toSorted());
    });

    test('S5: completing leaves the words on the job, and the token is stale from then on', async () => {
      const { store } = subject();
      const key = await chat(store, 'a');
      await media(store, key);
      const claim = await mustClaim(store);
      expect(await store.complete(claim, { kind: 'words', words: 'hello 👋' }, NOW + 1)).toBe(true);
      const completed = await store.jobByGuid(claim.guid);
      expect(completed).toMatchObject({
        status: 'completed',
        result: 'hello 👋',
        error: null,
        attempts: 0,
        claimToken: null,
        leaseExpiresAt: null,
        changedAt: NOW + 1,
      });
      expect(await store.complete(claim, { kind: 'words', words: 'twice' }, NOW + 2)).toBe(false);
      expect(await store.release(claim, NOW + 2)).toBe(false);
      expect(await store.postpone(claim, NOW, jobError(), NOW + 2)).toBe(false);
      expect(await store.heartbeat(claim, NOW + HOUR_MS)).toBe(false);
      expect(await store.jobByGuid(claim.guid)).toEqual(completed);
      expect(await claimNext(store)).toBeNull();
    });

    test('completing with a failure leaves what the chat is told, and the error', async () => {
      const { store } = subject();
      await media(store, await chat(store, 'a'));
      const claim = await mustClaim(store);
      const error = { code: 'timed_out', reason: 'no end', stack: 'at x' } as const;
      await store.complete(claim, { kind: 'failure', words: 'Processing timed out', error }, NOW);
      expect(await store.jobByGuid(claim.guid)).toMatchObject({
        status: 'completed',
        result: 'Processing timed out',
        error,
        attempts: 1,
      });
    });

    test('S5: the token counts after its lease ended, until the job is revived; then it is stale', async () => {
      const { store } = subject();
      await media(store, await chat(store, 'a'));
      const claim = await mustClaim(store, LAPSED);
      expect(await store.heartbeat(claim, NOW - 1)).toBe(true);
      await store.reviveJobs(NOW, 3);
      expect(await store.heartbeat(claim, NOW + HOUR_MS)).toBe(false);
      const second = await mustClaim(store, LAPSED);
      expect(second).toMatchObject({ guid: claim.guid, attempts: 1 });
      expect(second.claimToken).not.toBe(claim.claimToken);
      expect(await store.complete(claim, { kind: 'words', words: 'stale' }, NOW)).toBe(false);
      expect(await store.complete(second, { kind: 'words', words: 'current' }, NOW)).toBe(true);
      expect(await store.jobByGuid(claim.guid)).toMatchObject({ result: 'current' });
    });

    test('a heartbeat keeps a job from being revived', async () => {
      const { store } = subject();
      await media(store, await chat(store, 'a'));
      const claim = await mustClaim(store, LAPSED);
      expect(await store.heartbeat(claim, NOW + HOUR_MS)).toBe(true);
      const revived = await store.reviveJobs(NOW, 3);
      expect(revived).toMatchObject({ pools: [], poisoned: [] });
      expect(revived.nextDueAt).toBeGreaterThan(NOW);
      expect(await store.jobByGuid(claim.guid)).toMatchObject({ status: 'processing', attempts: 0 });
    });

    test('a released job is claimable again at its place, with no attempt counted', async () => {
      const { store } = subject();
      const key = await chat(store, 'a');
      await media(store, key);
      await media(store, key);
      const claim = await mustClaim(store);
      await mustClaim(store);
      expect(await claimNext(store)).toBeNull();
      expect(await store.release(claim, NOW + 1)).toBe(true);
      expect(await store.jobByGuid(claim.guid)).toMatchObject({
        status: 'pending',
        attempts: 0,
        round: claim.round,
        seq: claim.seq,
        claimToken: null,
        changedAt: NOW + 1,
      });
      expect((await mustClaim(store)).guid).toBe(claim.guid);
    });

    test('a postponed job waits out its back-off, an attempt counted', async () => {
      const { store, elapse } = subject();
      await media(store, await chat(store, 'a'));
      const claim = await mustClaim(store);
      const error = { ...jobError(), reason: '$status of 503' };
      expect(await store.postpone(claim, NOW + HOUR_MS, error, NOW)).toBe(true);
      const waiting = await store.jobByGuid(claim.guid);
      expect(waiting).toMatchObject({ status: 'waiting', attempts: 1, error, claimToken: null });
      expect(waiting?.availableAt).toBeGreaterThanOrEqual(NOW + HOUR_MS);
      await elapse(HOUR_MS - MINUTE_MS);
      const early = await store.reviveJobs(NOW + HOUR_MS - MINUTE_MS, 3);
      expect(early).toMatchObject({ pools: [], poisoned: [] });
      expect(early.nextDueAt).toBeGreaterThan(NOW + HOUR_MS - MINUTE_MS);
      expect(early.nextDueAt).toBeLessThanOrEqual(NOW + HOUR_MS);
      expect(await claimNext(store)).toBeNull();
      await elapse(MINUTE_MS);
      expect(await store.reviveJobs(NOW + HOUR_MS, 3)).toEqual({
        pools: ['audio'],
        poisoned: [],
        nextDueAt: null,
      });
      expect(await mustClaim(store)).toMatchObject({ guid: claim.guid, attempts: 1, availableAt: null });
    });

    test('a job whose every attempt ended with its worker is completed as poisoned', async () => {
      const { store } = subject();
      await media(store, await chat(store, 'a'));
      for (const attempt of [1, 2]) {
        await mustClaim(store, LAPSED);
        const { pools, poisoned } = await store.reviveJobs(NOW, 3);
        expect({ attempt, pools, poisoned }).toEqual({ attempt, pools: ['audio'], poisoned: [] });
      }
      const { guid } = await mustClaim(store, LAPSED);
      const revived = await store.reviveJobs(NOW, 3);
      expect(revived).toMatchObject({ pools: [], nextDueAt: null });
      const expected = { guid, status: 'completed', attempts: 3, result: null, claimToken: null };
      expect(revived.poisoned).toMatchObject([expected]);
      expect(await store.jobByGuid(guid)).toMatchObject({ ...expected, error: { code: 'worker_died' } });
      expect((await store.reviveJobs(NOW, 3)).poisoned).toEqual([]);
    });

    test('an attempt that failed before counts towards those that end with the worker', async () => {
      const { store } = subject();
      await media(store, await chat(store, 'a'));
      await store.postpone(await mustClaim(store), NOW, jobError(), NOW);
      await store.reviveJobs(NOW, 2);
      await mustClaim(store, LAPSED);
      expect((await store.reviveJobs(NOW, 2)).poisoned).toHaveLength(1);
    });

    test('the next due time is the earliest lease or back-off', async () => {
      const { store } = subject();
      const key = await chat(store, 'a');
      await media(store, key);
      await media(store, key);
      await store.postpone(await mustClaim(store), NOW + MINUTE_MS, jobError(), NOW);
      await mustClaim(store);
      const { nextDueAt } = await store.reviveJobs(NOW, 3);
      expect(nextDueAt).toBeGreaterThan(NOW);
      expect(nextDueAt).toBeLessThanOrEqual(NOW + MINUTE_MS);
    });

    test('jobs are counted by pool, collection and state', async () => {
      const { store } = subject();
      const key = await chat(store, 'a');
      await media(store, key);
      await media(store, key);
      await media(store, key, { start: { kind: 'downloading' } });
      await media(store, key, { collection: 'holding' });
      await mustClaim(store);
      const counts = await store.countJobs();
      expect(new Set(counts)).toEqual(
        new Set(
          [
            { pool: 'audio', collection: 'active', status: 'processing' } as const,
            { pool: 'audio', collection: 'active', status: 'pending' } as const,
            { pool: null, collection: 'active', status: 'downloading' } as const,
            { pool: 'audio', collection: 'holding', status: 'pending' } as const,
          ].map((group) => ({ ...group, count: 1, oldestCreatedAt: NOW })),
        ),
      );
      expect(counts).toHaveLength(4);
    });

    test('the jobs of a bot are listed in arrival order, by state if asked', async () => {
      const { store } = subject();
      const [a, b] = [await chat(store, 'a'), await chat(store, 'b', 'bot-b')];
      const guids = [await media(store, a), await media(store, a), await media(store, a)];
      await media(store, b);
      const { guid } = await mustClaim(store);
      expect((await jobsIn(store, 'bot-a', 'active')).map((job) => job.guid)).toEqual(guids);
      expect((await jobsIn(store, 'bot-a', 'active', ['processing'])).map((job) => job.guid)).toEqual([guid]);
      expect(await jobsIn(store, 'bot-a', 'active', ['waiting', 'completed'])).toEqual([]);
      expect(await jobsIn(store, 'bot-a', 'holding')).toEqual([]);
      expect(await store.jobByGuid(newGuid())).toBeNull();
    });
  });
};
