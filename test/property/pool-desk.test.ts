import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InFlight } from '../../src/actors/in-flight.ts';
import { PoolDesk, type Worker } from '../../src/actors/pool-desk.ts';
import { newGuid } from '../../src/base/ids.ts';
import { silentLogger } from '../../src/base/log.ts';
import type { ClaimedJob } from '../../src/jobs/job.ts';
import { claimedJob } from '../support/claimed-job.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { FairLine } from '../support/pool-lines.ts';

const RUNS = process.env['DRAGOMAN_DEEP'] === '1' ? 3_000 : 150;

/** A desk over a line in memory: claims, answers, jobs and arrivals go on in whatever order the scheduler likes. */
class ScheduledPool {
  readonly done: string[] = [];
  mostBusy = 0;
  mostClaimsAtOnce = 0;
  /** Bots that were given more than all workers but one while another had been active. */
  readonly greedy: string[] = [];
  readonly #running = new Map<string, number>();
  readonly #workers: number;
  readonly #scheduler: fc.Scheduler;
  readonly #line = new FairLine<{
    readonly botId: string;
    readonly chatId: string;
    readonly job: ClaimedJob;
  }>();
  readonly #waiting: string[] = [];
  readonly #inFlight: InFlight;
  readonly #desk: PoolDesk;
  #busy = 0;
  #claims = 0;

  constructor(scheduler: fc.Scheduler, workers: number) {
    const clock = new ManualClock();
    this.#scheduler = scheduler;
    this.#workers = workers;
    this.#inFlight = new InFlight(workers, () => [], clock);
    this.#desk = new PoolDesk({
      workers: Array.from({ length: workers }, () => this.#worker()),
      inFlight: this.#inFlight,
      context: { clock, log: silentLogger },
      signal: new AbortController().signal,
      claim: (cappedBots) => this.#claim(cappedBots),
      ended: ({ guid }) => this.done.push(guid),
      runDeadlineMs: 1_000,
      replace: (worker) => Promise.resolve(worker),
    });
  }

  arrive(botId: string): void {
    const correspondent = { botId, providerName: 'simulator', correspondentId: 'ann' };
    this.#line.arrive({ botId, chatId: 'ann', job: claimedJob({ guid: newGuid(), correspondent }) });
    this.#waiting.push(botId);
    this.#desk.wake();
  }

  /** Bots with a job that a worker could take but that nobody is about to claim. */
  get leftLying(): readonly string[] {
    if (this.#claims > 0 || this.#busy === this.#workers) return [];
    const capped = this.#inFlight.capped();
    return this.#waiting.filter((botId) => !capped.includes(botId));
  }

  async #claim(cappedBots: readonly string[]): Promise<ClaimedJob | null> {
    this.#claims += 1;
    this.mostClaimsAtOnce = Math.max(this.mostClaimsAtOnce, this.#claims);
    await this.#scheduler.schedule(Promise.resolve(), 'the store claims');
    const claimed = this.#line.claim(new Set(cappedBots));
    if (claimed !== null) this.#waiting.splice(this.#waiting.indexOf(claimed.botId), 1);
    await this.#scheduler.schedule(Promise.resolve(), 'the store answers');
    this.#claims -= 1;
    return claimed?.job ?? null;
  }

  #worker(): Worker {
    const ask = async (_topic: string, { correspondent: { botId } }: ClaimedJob): Promise<unknown> => {
      this.#busy += 1;
      this.#count(botId, 1);
      const share = Math.max(1, this.#workers - 1);
      if (this.#running.size > 1 && this.#runningOf(botId) > share) this.greedy.push(botId);
      this.mostBusy = Math.max(this.mostBusy, this.#busy);
      await this.#scheduler.schedule(Promise.resolve(), 'a job ends');
      this.#busy -= 1;
      this.#count(botId, -1);
      return { kind: 'released' };
    };
    return { ask } as unknown as Worker;
  }

  #runningOf(botId: string): number {
    return this.#running.get(botId) ?? 0;
  }

  #count(botId: string, change: number): void {
    this.#running.set(botId, this.#runningOf(botId) + change);
  }
}

const load = fc.record({
  workers: fc.integer({ min: 1, max: 8 }),
  arrivals: fc.array(
    fc.nat({ max: 3 }).map((n) => `bot-${n}`),
    { minLength: 1, maxLength: 40, size: 'max' },
  ),
});

describe('a pool’s desk', () => {
  test('D1, D2, D3: claims one at a time, no worker idles while there is a job that it may take, and no bot has them all', async () => {
    const property = fc.asyncProperty(fc.scheduler(), load, async (scheduler, { workers, arrivals }) => {
      const pool = new ScheduledPool(scheduler, workers);
      for (const botId of arrivals) {
        void scheduler.schedule(Promise.resolve(), 'a job comes').then(() => pool.arrive(botId));
      }
      while (scheduler.count() > 0) {
        await scheduler.waitOne();
        await new Promise(setImmediate);
        expect(pool.leftLying).toEqual([]);
      }
      expect(pool.done).toHaveLength(arrivals.length);
      expect(new Set(pool.done).size).toBe(arrivals.length);
      expect(pool.mostClaimsAtOnce).toBe(1);
      expect(pool.mostBusy).toBeLessThanOrEqual(workers);
      expect(pool.greedy).toEqual([]);
    });
    await fc.assert(property, { numRuns: RUNS });
  });
});
