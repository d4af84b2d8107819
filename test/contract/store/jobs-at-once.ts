import { describe, expect, test } from 'vitest';
import { newGuid } from '../../../src/base/ids.ts';
import type { ClaimedJob, CorrespondentKey } from '../../../src/jobs/job.ts';
import {
  acceptMedia,
  fulfilled,
  HOUR_MS,
  jobError,
  keyOf,
  NOW,
  placeholderMessage,
  stagedMedia,
} from '../../support/store-records.ts';
import { media, mustClaim } from './jobs.ts';
import { chat, type Suite, useSubject } from './subject.ts';

const LAPSED = -1;
const CLAIM = { pool: 'audio', now: NOW, leaseMs: HOUR_MS, cappedBots: [] };

/** What an adapter may carry out together is as if one call came after the other. */
export const jobsAtOnceSuite: Suite = (open) => {
  describe('what is done to jobs at once', () => {
    const subject = useSubject(open);
    const chatsOf = (...bots: readonly string[]): Promise<CorrespondentKey[]> =>
      Promise.all(bots.map((bot) => chat(subject().store, 'x', bot)));
    const served = async (count: number, cappedBots: readonly string[] = []): Promise<(string | null)[]> => {
      const { store } = subject();
      const request = { ...CLAIM, cappedBots };
      const claims = Array.from({ length: count }, () => store.claim(request));
      return (await Promise.all(claims)).map((job) => job?.correspondent.botId ?? null);
    };

    test('F1: claims are served in the bots’ turns', async () => {
      const { store } = subject();
      const [a, b, c] = await chatsOf('a', 'b', 'c');
      if (!a || !b || !c) throw new Error('three chats');
      for (const key of [a, a, a, a, b, c, c]) await media(store, key);
      expect(await served(2)).toEqual(['a', 'b']);
      expect(await served(4)).toEqual(['c', 'a', 'c', 'a']);
      expect(await served(2)).toEqual(['a', null]);
    });

    test('F1: bots of which nothing waits any more, or that are at their cap, are passed over', async () => {
      const { store } = subject();
      const chats = await chatsOf('a', 'b', 'c', 'd', 'e');
      for (const key of chats) await media(store, key);
      const [, , , , e] = chats;
      if (e !== undefined) await media(store, e);
      for (const bot of ['a', 'b']) await store.holdJobs(bot, NOW);
      expect(await served(1, ['c'])).toEqual(['d']);
      expect(await served(4)).toEqual(['c', 'e', 'e', null]);
    });

    test('F2: media that are accepted or staged give each chat its place', async () => {
      const { store } = subject();
      const chats = await Promise.all(['one', 'two', 'three'].map((name) => chat(store, name)));
      const [busy] = chats;
      if (busy === undefined) throw new Error('three chats');
      const early = await media(store, busy);
      const placeholders = chats.map((_, n) => placeholderMessage(n === 0 ? 2 : 1));
      await Promise.all(
        chats.map((key, n) => store.accept(acceptMedia(key, placeholders[n] ?? placeholderMessage(1)))),
      );
      const [second, first, last] = placeholders.map(({ mediaProcessingId }) => mediaProcessingId);
      const downloading: string[] = [];
      for (const key of chats) downloading.push(await media(store, key, { start: { kind: 'downloading' } }));
      await Promise.all(downloading.map((guid) => store.stage(guid, stagedMedia(), NOW)));
      const guids: string[] = [];
      for (let n = 0; n < 7; n += 1) guids.push((await mustClaim(store)).guid);
      const [ofOne, ofTwo, ofThree] = downloading;
      expect(guids).toEqual([early, first, last, second, ofTwo, ofThree, ofOne]);
    });

    test('F2: media of one chat whose files come at once do not go before another chat’s', async () => {
      const { store } = subject();
      const [one, two] = await Promise.all(['one', 'two'].map((name) => chat(store, name)));
      if (one === undefined || two === undefined) throw new Error('two chats');
      const downloading = { start: { kind: 'downloading' } } as const;
      const guids: string[] = [];
      for (const key of [one, one, one, two]) guids.push(await media(store, key, downloading));
      await Promise.all(guids.map((guid) => store.stage(guid, stagedMedia(), NOW)));
      const claimed: string[] = [];
      for (let n = 0; n < guids.length; n += 1) claimed.push((await mustClaim(store)).guid);
      expect(claimed).toEqual([guids[0], guids[3], guids[1], guids[2]]);
    });

    test('S5: of a lease that ends and a worker that has its last word just then, one counts', async () => {
      const { store } = subject();
      const key = await chat(store, 'one');
      for (let n = 0; n < 16; n += 1) await media(store, key);
      const claims: ClaimedJob[] = [];
      for (let n = 0; n < 16; n += 1) claims.push(await mustClaim(store, LAPSED));
      const words = { kind: 'words', words: 'w' } as const;
      const lastWord = (claim: ClaimedJob, n: number): Promise<boolean> =>
        n % 2 === 0 ? store.complete(claim, words, NOW) : store.heartbeat(claim, NOW + HOUR_MS);
      const [counted] = await Promise.all([Promise.all(claims.map(lastWord)), store.reviveJobs(NOW, 3)]);
      const left = await Promise.all(claims.map(({ guid }) => store.jobByGuid(guid)));
      expect(left.map((job) => [job?.status, job?.attempts])).toEqual(
        counted.map((counts, n) => {
          if (!counts) return ['pending', 1];
          return [n % 2 === 0 ? 'completed' : 'processing', 0];
        }),
      );
    });

    test('S1, S5: each has its own outcome, whatever becomes of its neighbours', async () => {
      const { store } = subject();
      const keys = await Promise.all(['one', 'two', 'three', 'four'].map((name) => chat(store, name)));
      const placeholders = keys.map(() => placeholderMessage(1));
      await Promise.all(
        keys.map((key, n) =>
          store.accept(
            acceptMedia(key, placeholders[n] ?? placeholderMessage(1), {
              start: n === 3 ? { kind: 'staged', media: stagedMedia() } : { kind: 'downloading' },
            }),
          ),
        ),
      );
      const [one, two, three, four] = keys;
      const [ofOne, ofTwo, ofThree, ofFour] = placeholders;
      if (!one || !two || !three || !four || !ofOne || !ofTwo || !ofThree || !ofFour) throw new Error('four');
      const stage = (guid: string): ReturnType<typeof store.stage> => store.stage(guid, stagedMedia(), NOW);
      expect(
        await Promise.all([
          stage(ofOne.mediaProcessingId),
          stage(newGuid()),
          stage(ofFour.mediaProcessingId),
          stage(ofTwo.mediaProcessingId),
          stage(ofThree.mediaProcessingId),
        ]),
      ).toEqual(['pending', 'unknown', 'already', 'pending', 'pending']);

      const claims = await Promise.all(keys.map(() => mustClaim(store)));
      const claimOf = (guid: string) => claims.find((claim) => claim.guid === guid) ?? claims[0];
      const [first, second, third, fourth] = placeholders.map((each) => claimOf(each.mediaProcessingId));
      if (!first || !second || !third || !fourth) throw new Error('four claims');
      await store.holdJobs('bot-a', NOW);
      expect(
        await Promise.all([
          store.complete(first, { kind: 'words', words: 'w' }, NOW),
          store.complete({ ...second, claimToken: 'stale' }, { kind: 'words', words: 'w' }, NOW),
          store.heartbeat(third, NOW + HOUR_MS),
          store.postpone(fourth, NOW, jobError(), NOW),
        ]),
      ).toEqual([true, false, true, true]);
      expect(await store.jobByGuid(first.guid)).toMatchObject({ status: 'completed', result: 'w' });
      expect(await store.jobByGuid(second.guid)).toMatchObject({ status: 'processing', result: null });
      expect(await store.jobByGuid(fourth.guid)).toMatchObject({ status: 'waiting', attempts: 1 });

      const settlement = { evictedIds: [], error: null };
      const outcomes = await Promise.allSettled([
        store.settle({ ...settlement, correspondent: one, guid: first.guid, message: fulfilled(ofOne) }),
        store.settle({
          ...settlement,
          correspondent: two,
          guid: second.guid,
          message: fulfilled(ofTwo),
          error: jobError(),
        }),
        store.settle({ ...settlement, correspondent: three, guid: newGuid(), message: fulfilled(ofThree) }),
        store.settle({
          ...settlement,
          correspondent: keyOf('unknown'),
          guid: fourth.guid,
          message: fulfilled(ofFour),
        }),
      ]);
      expect(outcomes.map((each) => (each.status === 'fulfilled' ? each.value : each.reason.code))).toEqual([
        'settled',
        'settled',
        'gone',
        'not_found',
      ]);
      expect(await store.jobByGuid(first.guid)).toBeNull();
      expect(await store.jobByGuid(second.guid)).toMatchObject({
        collection: 'failed',
        status: 'completed',
        error: jobError(),
        claimToken: null,
      });
      expect((await store.rehydrate(one)).messages).toEqual([fulfilled(ofOne)]);
      expect((await store.rehydrate(three)).messages).toEqual([ofThree]);
      expect(await store.jobByGuid(fourth.guid)).toMatchObject({ collection: 'holding' });
    });
  });
};
