import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CorrespondentKey } from '../../../src/jobs/job.ts';
import { NOW, HOUR_MS } from '../../support/store-records.ts';
import { twoStepChoice } from '../../support/two-step-rule.ts';
import { claimNext, media, mustClaim } from './jobs.ts';
import { chat, type Suite, useSubject } from './subject.ts';

const servedBots = (jobs: readonly { readonly correspondent: CorrespondentKey }[]): string[] =>
  jobs.map(({ correspondent }) => correspondent.botId);

export const fairnessSuite: Suite = (open) => {
  describe('fairness', () => {
    const subject = useSubject(open);

    test('F1: the bot served longest ago goes first, whoever has most', async () => {
      const { store } = subject();
      const [a, b, c] = [
        await chat(store, 'x', 'bot-a'),
        await chat(store, 'x', 'bot-b'),
        await chat(store, 'x', 'bot-c'),
      ];
      for (let n = 0; n < 6; n += 1) await media(store, a);
      for (let n = 0; n < 2; n += 1) await media(store, b);
      const first = [await mustClaim(store), await mustClaim(store), await mustClaim(store)];
      expect(servedBots(first)).toEqual(['bot-a', 'bot-b', 'bot-a']);
      await media(store, c);
      const rest = [await mustClaim(store), await mustClaim(store), await mustClaim(store)];
      expect(servedBots(rest)).toEqual(['bot-c', 'bot-b', 'bot-a']);
    });

    test('F1: a capped bot is passed over, and is not forgotten', async () => {
      const { store } = subject();
      const [a, b] = [await chat(store, 'x', 'bot-a'), await chat(store, 'x', 'bot-b')];
      await media(store, a);
      await media(store, b);
      const request = { pool: 'audio', now: NOW, leaseMs: HOUR_MS };
      expect(await store.claim({ ...request, cappedBots: ['bot-a', 'bot-b'] })).toBeNull();
      expect((await store.claim({ ...request, cappedBots: ['bot-a'] }))?.correspondent).toEqual(b);
      expect(await store.claim({ ...request, cappedBots: ['bot-a'] })).toBeNull();
      expect((await claimNext(store))?.correspondent).toEqual(a);
    });

    test('F2: the chats of a bot take turns, each in its own order', async () => {
      const { store } = subject();
      const [busy, quiet] = [await chat(store, 'busy'), await chat(store, 'quiet')];
      const ofBusy = [await media(store, busy), await media(store, busy), await media(store, busy)];
      const ofQuiet = [await media(store, quiet), await media(store, quiet)];
      const claimed = [];
      for (let n = 0; n < 5; n += 1) claimed.push((await mustClaim(store)).guid);
      expect(claimed).toEqual([ofBusy[0], ofQuiet[0], ofBusy[1], ofQuiet[1], ofBusy[2]]);
    });

    test('F2: newcomers do not pass a chat that waits', async () => {
      const { store } = subject();
      const heavy = await chat(store, 'heavy');
      for (let n = 0; n < 4; n += 1) await media(store, heavy);
      const chats = [];
      for (let n = 0; n < 10; n += 1) {
        await media(store, await chat(store, `newcomer-${n}`));
        chats.push((await mustClaim(store)).correspondent.correspondentId);
      }
      expect(chats.filter((id) => id === 'heavy')).toHaveLength(4);
    });

    test('F3: a job given back does not let newcomers pass', async () => {
      const { store } = subject();
      const old = await chat(store, 'old');
      const early = await media(store, await chat(store, 'early'));
      for (let n = 0; n < 4; n += 1) await media(store, old);
      const claim = await mustClaim(store);
      expect(claim.guid).toBe(early);
      for (let n = 0; n < 3; n += 1) await mustClaim(store);
      await store.release(claim, NOW);
      expect((await mustClaim(store)).guid).toBe(early);
      await media(store, await chat(store, 'newcomer'));
      expect((await mustClaim(store)).correspondent).toEqual(old);
    });

    test('promoted jobs take turns with those that are there', async () => {
      const { store } = subject();
      const [held, other] = [await chat(store, 'held'), await chat(store, 'other')];
      for (let n = 0; n < 3; n += 1) await media(store, held, { collection: 'holding' });
      const elsewhere = await media(store, other, { collection: 'holding' });
      const active = await media(store, held);
      await store.promoteJobs('bot-a', NOW);
      const order = [];
      for (let n = 0; n < 5; n += 1) order.push(await mustClaim(store));
      expect(order.slice(0, 2).map(({ guid }) => guid)).toEqual([elsewhere, active]);
      expect(order.slice(2).map(({ round }) => round)).toEqual([2, 3, 4]);
    });

    test('a turn is remembered over a restart', async () => {
      const { store } = subject();
      const [a, b] = [await chat(store, 'x', 'bot-a'), await chat(store, 'x', 'bot-b')];
      for (const key of [a, a, b]) await media(store, key);
      expect(servedBots([await mustClaim(store)])).toEqual(['bot-a']);
      const reopened = await subject().reopen();
      expect(servedBots([await mustClaim(reopened), await mustClaim(reopened)])).toEqual(['bot-b', 'bot-a']);
    });

    test('with one worker and two bots the trace is that of the two-step rule', async () => {
      const { store } = subject();
      const keys = [await chat(store, 'x', 'bot-a'), await chat(store, 'x', 'bot-b')];
      const waiting: { readonly guid: string; readonly botId: string; readonly seq: number }[] = [];
      let [arrived, served] = [0, 0];
      let last: string | null = null;
      const claim = async (): Promise<void> => {
        const expected = twoStepChoice(waiting, last);
        const job = await claimNext(store);
        expect(job?.guid).toBe(expected?.guid);
        if (expected === null) return;
        waiting.splice(waiting.indexOf(expected), 1);
        last = expected.botId;
        served += 1;
      };
      const events = fc.sample(fc.constantFrom('bot-a', 'bot-b', 'claim', 'claim'), { seed: 3, numRuns: 80 });
      for (const event of events) {
        const key = keys.find(({ botId }) => botId === event);
        if (key === undefined) await claim();
        else waiting.push({ guid: await media(store, key), botId: event, seq: (arrived += 1) });
      }
      while (waiting.length > 0) await claim();
      expect(served).toBe(arrived);
    });

    test('no bot of a random crowd waits more than the others have turns', async () => {
      const { store } = subject();
      const keys = await Promise.all(
        Array.from({ length: 12 }, (_, n) => chat(store, `chat-${n % 3}`, `bot-${n % 4}`)),
      );
      const arrivals = fc.sample(fc.nat({ max: keys.length - 1 }), { seed: 7, numRuns: 60 });
      for (const index of arrivals) {
        const key = keys[index];
        if (key !== undefined) await media(store, key);
      }
      const bots: string[] = [];
      for (let job = await claimNext(store); job !== null; job = await claimNext(store))
        bots.push(job.correspondent.botId);
      expect(bots).toHaveLength(arrivals.length);
      const gaps = bots.map((bot, index) => bots.indexOf(bot, index + 1) - index);
      expect(Math.max(...gaps)).toBeLessThanOrEqual(4);
    });
  });
};
