import { describe, expect, test } from 'vitest';
import { HOUR_MS, jobError, NOW, stagedMedia } from '../../support/store-records.ts';
import { claimNext, media, mustClaim } from './jobs.ts';
import { chat, type Suite, useSubject } from './subject.ts';
import { jobsIn } from '../../support/jobs-in.ts';

const LAPSED = -1;
const DOWNLOADING = { start: { kind: 'downloading' } } as const;

export const botsLifeSuite: Suite = (open) => {
  describe("a bot's life", () => {
    const subject = useSubject(open);

    test('the sweep moves every active job to holding and takes those of dead workers back', async () => {
      const { store } = subject();
      const [a, b] = [await chat(store, 'a'), await chat(store, 'b', 'bot-b')];
      const downloading = await media(store, a, DOWNLOADING);
      for (let n = 0; n < 5; n += 1) await media(store, a);
      const ofOther = await media(store, b);
      const lapsed = await mustClaim(store, LAPSED);
      const completed = await mustClaim(store);
      await store.complete(completed, { kind: 'words', words: 'w' }, NOW);
      const waiting = await mustClaim(store);
      await store.postpone(waiting, NOW, jobError(), NOW);
      const leased = await mustClaim(store);

      expect(await store.sweepToHolding(NOW + 7)).toBe(7);
      expect(await store.sweepToHolding(NOW + 8)).toBe(0);
      expect(await claimNext(store)).toBeNull();
      expect(await jobsIn(store, 'bot-a', 'active')).toEqual([]);
      const held = [
        ...(await jobsIn(store, 'bot-a', 'holding')),
        ...(await jobsIn(store, 'bot-b', 'holding')),
      ];
      const stateOf = (guid: string): object => {
        const { status, attempts, claimToken, changedAt } = held.find((job) => job.guid === guid) ?? {};
        return { status, attempts, isClaimed: claimToken !== null, changedAt };
      };
      const moved = { attempts: 0, isClaimed: false, changedAt: NOW + 7 };
      expect(stateOf(downloading)).toEqual({ ...moved, status: 'downloading' });
      expect(stateOf(lapsed.guid)).toEqual({ ...moved, status: 'pending', attempts: 1 });
      expect(stateOf(completed.guid)).toEqual({ ...moved, status: 'completed' });
      expect(stateOf(waiting.guid)).toEqual({ ...moved, status: 'waiting', attempts: 1 });
      expect(stateOf(leased.guid)).toEqual({ ...moved, status: 'processing', isClaimed: true });
      expect(ofOther === lapsed.guid || held.some(({ guid }) => guid === ofOther)).toBe(true);
    });

    test('S5: holding does not end a lease: a worker that is at it, though late, has its result counted', async () => {
      const { store } = subject();
      await media(store, await chat(store, 'a'));
      const claim = await mustClaim(store, LAPSED);
      expect(await store.holdJobs('bot-a', NOW + 1)).toBe(1);
      expect(await store.jobByGuid(claim.guid)).toMatchObject({
        collection: 'holding',
        status: 'processing',
        attempts: 0,
      });
      expect(await store.complete(claim, { kind: 'words', words: 'w' }, NOW + 2)).toBe(true);
      expect(await store.jobByGuid(claim.guid)).toMatchObject({ status: 'completed', result: 'w' });
    });

    test('holding takes one bot out of the race, and its workers complete there', async () => {
      const { store } = subject();
      const [a, b] = [await chat(store, 'a'), await chat(store, 'b', 'bot-b')];
      await media(store, a);
      await media(store, a);
      const ofOther = await media(store, b);
      const claim = await mustClaim(store);
      expect(claim.correspondent).toEqual(a);
      expect(await store.holdJobs('bot-a', NOW + 1)).toBe(2);
      expect(await store.holdJobs('bot-a', NOW + 2)).toBe(0);
      expect((await mustClaim(store)).guid).toBe(ofOther);
      expect(await claimNext(store)).toBeNull();
      expect(await store.heartbeat(claim, NOW + HOUR_MS)).toBe(true);
      expect(await store.complete(claim, { kind: 'words', words: 'done' }, NOW + 3)).toBe(true);
      expect(await store.jobByGuid(claim.guid)).toMatchObject({
        collection: 'holding',
        status: 'completed',
        result: 'done',
      });
    });

    test('media that comes while the bot is away is held, and staged there', async () => {
      const { store } = subject();
      const key = await chat(store, 'a');
      const staged = await media(store, key, { collection: 'holding' });
      const downloading = await media(store, key, { ...DOWNLOADING, collection: 'holding' });
      expect(await store.stage(downloading, stagedMedia(), NOW)).toBe('pending');
      expect(await claimNext(store)).toBeNull();
      expect(await store.promoteJobs('bot-a', NOW + 1)).toBe(2);
      expect((await mustClaim(store)).guid).toBe(staged);
      expect((await mustClaim(store)).guid).toBe(downloading);
    });

    test('a released or revived job of a held bot stays out of reach until it is promoted', async () => {
      const { store } = subject();
      const key = await chat(store, 'a');
      for (let n = 0; n < 3; n += 1) await media(store, key);
      const [released, postponed] = [await mustClaim(store), await mustClaim(store)];
      await mustClaim(store, LAPSED);
      await store.holdJobs('bot-a', NOW);
      await store.release(released, NOW);
      await store.postpone(postponed, NOW, jobError(), NOW);
      expect(await store.reviveJobs(NOW, 3)).toEqual({ pools: [], poisoned: [], nextDueAt: null });
      expect(await claimNext(store)).toBeNull();
      expect(await store.promoteJobs('bot-a', NOW)).toBe(3);
      const claimed = [await mustClaim(store), await mustClaim(store), await mustClaim(store)];
      expect(claimed.map(({ attempts }) => attempts)).toEqual([0, 1, 1]);
      expect(claimed.map(({ seq }) => seq)).toEqual(claimed.map(({ seq }) => seq).toSorted((x, y) => x - y));
    });

    test('promoting leaves completed jobs for the reaper, downloads as they are and live leases alone', async () => {
      const { store } = subject();
      const [a, b] = [await chat(store, 'a'), await chat(store, 'b', 'bot-b')];
      const downloading = await media(store, a, DOWNLOADING);
      for (let n = 0; n < 3; n += 1) await media(store, a);
      await media(store, b, { collection: 'holding' });
      const completed = await mustClaim(store);
      const leased = await mustClaim(store);
      const lapsed = await mustClaim(store, LAPSED);
      await store.holdJobs('bot-a', NOW);
      await store.complete(completed, { kind: 'words', words: 'w' }, NOW);

      expect(await store.promoteJobs('bot-a', NOW + 5)).toBe(3);
      expect(await store.promoteJobs('bot-a', NOW + 6)).toBe(0);
      expect(await store.jobByGuid(completed.guid)).toMatchObject({
        collection: 'holding',
        status: 'completed',
      });
      expect(await store.jobByGuid(downloading)).toMatchObject({
        collection: 'active',
        status: 'downloading',
        changedAt: NOW + 5,
      });
      expect(await store.jobByGuid(leased.guid)).toMatchObject({
        collection: 'active',
        status: 'processing',
        claimToken: leased.claimToken,
      });
      expect(await store.complete(leased, { kind: 'words', words: 'w' }, NOW)).toBe(true);
      expect(await mustClaim(store)).toMatchObject({ guid: lapsed.guid, attempts: 1 });
      expect(await claimNext(store)).toBeNull();
      expect(await store.complete(lapsed, { kind: 'words', words: 'stale' }, NOW)).toBe(false);
      expect(await jobsIn(store, 'bot-b', 'holding')).toHaveLength(1);
    });

    test('held jobs go to the pools that their types have now, whatever their state, and are claimed there', async () => {
      const { store } = subject();
      const [a, b] = [await chat(store, 'a'), await chat(store, 'b', 'bot-b')];
      const guids = [await media(store, a), await media(store, a), await media(store, b)];
      const unstaged = await media(store, a, DOWNLOADING);
      const voice = await media(store, b, { start: { kind: 'staged', media: stagedMedia('voice') } });
      const leased = await mustClaim(store);
      await store.sweepToHolding(NOW);
      expect(await store.rerouteHeldJobs(() => 'voice')).toBe(3);
      expect(await store.rerouteHeldJobs(() => 'voice')).toBe(0);
      expect(await store.jobByGuid(unstaged)).toMatchObject({ pool: null });
      expect(await store.jobByGuid(leased.guid)).toMatchObject({ pool: 'voice', status: 'processing' });
      for (const botId of ['bot-a', 'bot-b']) await store.promoteJobs(botId, NOW);
      await store.release(leased, NOW);
      expect(await claimNext(store)).toBeNull();
      const claimed = new Set<string>();
      for (let job; (job = await claimNext(store, HOUR_MS, 'voice'));) claimed.add(job.guid);
      expect(claimed).toEqual(new Set([...guids, voice]));
    });

    test('rerouting asks for each type, and leaves active jobs alone', async () => {
      const { store } = subject();
      const key = await chat(store, 'a');
      const held = await media(store, key, { collection: 'holding' });
      const active = await media(store, key);
      expect(await store.rerouteHeldJobs((type) => (type === 'audio/ogg' ? 'audio' : 'other'))).toBe(0);
      expect(await store.rerouteHeldJobs((type) => `pool of ${type}`)).toBe(1);
      expect(await store.jobByGuid(held)).toMatchObject({ pool: 'pool of audio/ogg' });
      expect(await store.jobByGuid(active)).toMatchObject({ pool: 'audio' });
    });

    test('jobs and their states outlive the store', async () => {
      const key = await chat(subject().store, 'a');
      await media(subject().store, key);
      await media(subject().store, key);
      const claim = await mustClaim(subject().store);
      const before = await jobsIn(subject().store, 'bot-a', 'active');
      const store = await subject().reopen();
      expect(await jobsIn(store, 'bot-a', 'active')).toEqual(before);
      expect(await store.complete(claim, { kind: 'words', words: 'w' }, NOW)).toBe(true);
      expect((await mustClaim(store)).guid).not.toBe(claim.guid);
    });
  });
};
