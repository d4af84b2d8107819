import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ClaimedJob } from '../../../src/jobs/job.ts';
import { NOW } from '../../support/store-records.ts';
import { claimNext, media } from './jobs.ts';
import { chat, type Suite, useSubject } from './subject.ts';

const CLAIMERS = 8;

export const claimerSuite: Suite = (open) => {
  describe(`fairness with ${CLAIMERS} claimers at once`, () => {
    const subject = useSubject(open);

    /** Gives each of `bots` bots a backlog of `jobs`. */
    async function backlogs(bots: number, jobs: number): Promise<void> {
      const { store } = subject();
      for (let bot = 0; bot < bots; bot += 1) {
        const key = await chat(store, 'x', `bot-${bot}`);
        for (let n = 0; n < jobs; n += 1) await media(store, key);
      }
    }

    const claimTogether = async (): Promise<readonly ClaimedJob[]> => {
      const claims = await Promise.all(Array.from({ length: CLAIMERS }, () => claimNext(subject().store)));
      return claims.filter((job) => job !== null);
    };

    test('as many bots as claimers are all served at once, again and again', async () => {
      await backlogs(CLAIMERS, 6);
      for (let turn = 0; turn < 6; turn += 1) {
        expect(counts(await claimTogether())).toEqual(Array.from({ length: CLAIMERS }, () => 1));
      }
      expect(await claimTogether()).toEqual([]);
    });

    test('no bot of a few is ever more than one claim ahead of another', async () => {
      await backlogs(3, 24);
      const claimed: ClaimedJob[] = [];
      for (let turn = 0; turn < 9; turn += 1) {
        claimed.push(...(await claimTogether()));
        const each = counts(claimed);
        expect(each).toHaveLength(3);
        expect(Math.max(...each) - Math.min(...each)).toBeLessThanOrEqual(1);
      }
      expect(new Set(claimed.map(({ guid }) => guid)).size).toBe(72);
    });

    test('F1: a bot that comes to a crowd of busy ones is among the next served', async () => {
      const { store } = subject();
      await backlogs(3, 24);
      await claimTogether();
      await media(store, await chat(store, 'x', 'quiet'));
      const bots = (await claimTogether()).map(({ correspondent }) => correspondent.botId);
      expect(bots).toContain('quiet');
    });

    test.for([1, 2, 3])(
      'while %i bots flood the pool they are served alike, and a quiet one waits for one turn of each at most',
      async (flooding) => {
        const { store } = subject();
        const rounds = 6;
        await backlogs(flooding, Math.ceil((rounds * CLAIMERS) / flooding));
        const claimed: ClaimedJob[] = [];
        for (let round = 0; round < rounds; round += 1) {
          const quiet = await media(store, await chat(store, 'x', `quiet-${round % 2}`));
          const turns = await claimTogether();
          // Fewer bots than claimers: whoever waits for one turn of each other is served in this round.
          expect(turns.map(({ guid }) => guid)).toContain(quiet);
          claimed.push(...turns.filter(({ guid }) => guid !== quiet));
        }
        expect(jainIndex(counts(claimed))).toBeGreaterThanOrEqual(0.99);
      },
    );

    test('F2: a chat with waiting jobs waits at most 2(C − 1) claims of its bot', async () => {
      const { store } = subject();
      const keys = [await chat(store, 'chat-0'), await chat(store, 'chat-1'), await chat(store, 'chat-2')];
      const waiting = new Map<string, string[]>();
      const passedOver = new Map<string, number>();
      const arrivals = fc.sample(fc.nat({ max: keys.length - 1 }), { seed: 5, numRuns: 72 }).values();
      const arrive = async (index: number): Promise<void> => {
        const key = keys[index];
        if (key === undefined) throw new Error(`no chat ${index}`);
        const guid = await media(store, key);
        waiting.set(key.correspondentId, [...(waiting.get(key.correspondentId) ?? []), guid]);
      };
      for (let n = 0; n < 3 * CLAIMERS; n += 1) await arrive(0);
      for (let turn = 0; turn < 9; turn += 1) {
        for (let n = 0; n < CLAIMERS; n += 1) await arrive(arrivals.next().value ?? 0);
        const jobs = await claimTogether();
        expect(jobs).toHaveLength(CLAIMERS);
        // One bot's jobs are claimed in this order.
        for (const { guid, correspondent } of jobs.toSorted((a, b) => a.round - b.round || a.seq - b.seq)) {
          const { correspondentId } = correspondent;
          expect(waiting.get(correspondentId)?.shift()).toBe(guid);
          passedOver.set(correspondentId, 0);
          for (const [other, guids] of waiting) {
            if (other === correspondentId || guids.length === 0) continue;
            passedOver.set(other, (passedOver.get(other) ?? 0) + 1);
            expect(passedOver.get(other)).toBeLessThanOrEqual(2 * (keys.length - 1));
          }
        }
      }
    });

    test('whatever they complete or give back, every job is claimed in its turn and completed once', async () => {
      const { store } = subject();
      const jobs = 40;
      for (let n = 0; n < jobs; n += 1)
        await media(store, await chat(store, `chat-${n % 3}`, `bot-${n % 5}`));
      const givesBack = fc.sample(fc.boolean(), { seed: 11, numRuns: jobs }).values();
      const completed: string[] = [];
      const claimUntilNothingWaits = async (): Promise<void> => {
        for (let job = await claimNext(store); job !== null; job = await claimNext(store)) {
          if (givesBack.next().value === true) await store.release(job, NOW);
          else if (await store.complete(job, { kind: 'words', words: 'w' }, NOW)) completed.push(job.guid);
        }
      };
      await Promise.all(Array.from({ length: CLAIMERS }, claimUntilNothingWaits));
      expect(new Set(completed).size).toBe(jobs);
      expect(completed).toHaveLength(jobs);
    });
  });
};

/** 1 when all are equal; 1/n when one has everything. */
function jainIndex(shares: readonly number[]): number {
  const sum = shares.reduce((total, share) => total + share, 0);
  const squares = shares.reduce((total, share) => total + share ** 2, 0);
  return sum ** 2 / (shares.length * squares);
}

/** Jobs by bot, counted. */
const counts = (jobs: readonly ClaimedJob[]): number[] =>
  [...Map.groupBy(jobs, ({ correspondent }) => correspondent.botId).values()].map((of) => of.length);
