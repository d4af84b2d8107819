import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FLOODS, playFlood, RULE, TWO_STEP } from '../support/floods.ts';
import { type Service, type SimulatedJob, simulatePool } from '../support/pool-simulation.ts';

const RUNS = process.env['DRAGOMAN_DEEP'] === '1' ? 5_000 : 200;
const MINUTE_MS = 60_000;

describe.each(FLOODS)('when $name', (flood) => {
  const bots = new Set(flood.jobs.map(({ botId }) => botId)).size;

  test('the rule serves all alike, and a quiet bot waits for one turn of each other at most', () => {
    const { jain, longestWaitClaims } = playFlood(flood, RULE);
    expect(jain).toBeGreaterThanOrEqual(0.99);
    expect(longestWaitClaims).toBeLessThanOrEqual(bots - 1);
  });

  test('the two-step rule does so for one flood of short jobs alone', () => {
    const { jain } = playFlood(flood, TWO_STEP);
    expect(jain >= 0.99).toBe(flood === FLOODS[0]);
  });
});

test('a quiet bot waits 5 s at most for others, behind 600 jobs of a minute', () => {
  const [flood] = FLOODS.filter(({ name }) => name.includes('60 s'));
  if (flood === undefined) throw new Error('expected a flood of long jobs');
  expect(playFlood(flood, RULE).longestWaitForOthersS).toBeLessThanOrEqual(5);
  expect(playFlood(flood, { ...RULE, capsBots: false }).longestWaitForOthersS).toBeGreaterThan(50);
});

const job = (bots: number, chats: number): fc.Arbitrary<SimulatedJob> =>
  fc.record({
    botId: fc.nat({ max: bots - 1 }).map((n) => `bot-${n}`),
    chatId: fc.nat({ max: chats - 1 }).map((n) => `chat-${n}`),
    arrivesAt: fc.nat({ max: 5 * MINUTE_MS }),
    durationMs: fc.integer({ min: 1, max: 2 * MINUTE_MS }),
    givenBack: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 3 })),
  });

const load = fc
  .record({ bots: fc.integer({ min: 2, max: 7 }), chats: fc.integer({ min: 1, max: 5 }) })
  .chain(({ bots, chats }) =>
    fc.record({
      bots: fc.constant(bots),
      chats: fc.constant(chats),
      workers: fc.integer({ min: 1, max: 8 }),
      processes: fc.integer({ min: 1, max: 4 }),
      jobs: fc.array(job(bots, chats), { minLength: 1, maxLength: 150, size: 'max' }),
    }),
  );

type Load = typeof load extends fc.Arbitrary<infer T> ? T : never;

const play = ({ jobs, workers, processes }: Load): readonly Service[] =>
  simulatePool({ line: RULE.line(), jobs, workers, processes, capsBots: true });

/** The jobs that a process gave to a bot that had all of its workers but one, while another bot was active there. */
const greedy = (services: readonly Service[], { workers }: Load): readonly Service[] =>
  services.filter((service, index) => {
    const { job: given, process, startedAt } = service;
    const before = services.slice(0, index).filter((each) => each.process === process);
    const runs = ({ job: { durationMs }, startedAt: at }: Service): boolean => at + durationMs > startedAt;
    const isAnotherActive = before.some(
      (each) => each.job.botId !== given.botId && (runs(each) || startedAt - each.startedAt <= MINUTE_MS),
    );
    const running = before.filter((each) => each.job.botId === given.botId && runs(each)).length;
    return isAnotherActive && running >= Math.max(1, workers - 1);
  });

describe('whatever arrives, however long it takes, and however often it is given back', () => {
  test('a bot below its cap waits at most N − 1 claims of the pool', () => {
    const property = fc.property(load, (each) => {
      const waits = play(each).map(({ botPassedOver }) => botPassedOver);
      expect(Math.max(...waits)).toBeLessThanOrEqual(each.bots - 1);
    });
    fc.assert(property, { numRuns: RUNS });
  });

  test('a chat waits at most 2(C − 1) claims of its bot', () => {
    const property = fc.property(load, (each) => {
      const waits = play(each).map(({ chatPassedOver }) => chatPassedOver);
      expect(Math.max(...waits)).toBeLessThanOrEqual(2 * (each.chats - 1));
    });
    fc.assert(property, { numRuns: RUNS });
  });

  test('no process gives a bot its last worker while another bot is active', () => {
    const property = fc.property(load, (each) => {
      expect(greedy(play(each), each)).toEqual([]);
    });
    fc.assert(property, { numRuns: RUNS });
  });

  test('every job is served until it is done', () => {
    const property = fc.property(load, (each) => {
      const services = play(each);
      const claims = Map.groupBy(services, (service) => service.job);
      for (const { givenBack } of each.jobs.filter((one) => claims.get(one)?.length !== one.givenBack + 1)) {
        expect.fail(`a job given back ${givenBack} times was not claimed once more than that`);
      }
    });
    fc.assert(property, { numRuns: RUNS });
  });

  test('with one worker and two bots the trace is that of the two-step rule', () => {
    const twoBots = fc.array(
      job(2, 1).map((one) => ({ ...one, givenBack: 0 })),
      { minLength: 1, maxLength: 100, size: 'max' },
    );
    const property = fc.property(twoBots, (jobs) => {
      const pool = { jobs, workers: 1, processes: 1, capsBots: false };
      const byRule = simulatePool({ ...pool, line: RULE.line() });
      const byTwoSteps = simulatePool({ ...pool, line: TWO_STEP.line() });
      expect(byRule.map((service) => service.job)).toEqual(byTwoSteps.map((service) => service.job));
    });
    fc.assert(property, { numRuns: RUNS });
  });
});
