import { SeededRandom } from '../../src/simulator/seeded-random.ts';
import { ArrivalLine, FairLine, type PoolLine } from './pool-lines.ts';
import { type Service, type SimulatedJob, simulatePool } from './pool-simulation.ts';

/** A pool under load: some bots flood it, the others have a job now and then. */
export interface Flood {
  readonly name: string;
  readonly workers: number;
  readonly heavyBots: readonly string[];
  readonly jobs: readonly SimulatedJob[];
  /** The first quarter, in which all heavy bots have a backlog. Milliseconds. */
  readonly horizonMs: number;
}

export interface Policy {
  readonly name: string;
  readonly line: () => PoolLine<SimulatedJob>;
  readonly capsBots: boolean;
}

export interface FloodResult {
  /** Of the quiet bots' jobs, in seconds. */
  readonly longestWaitS: number;
  readonly p99WaitS: number;
  /** The same without the waiting behind jobs of its own bot. */
  readonly longestWaitForOthersS: number;
  /** Of the quiet bots' jobs, in claims of the pool. */
  readonly longestWaitClaims: number;
  /** Jain's index of what each bot got within the horizon, as a share of its max-min fair part. 1 is fair. */
  readonly jain: number;
}

const SECOND_MS = 1_000;

export const RULE: Policy = { name: 'the rule', line: () => new FairLine(), capsBots: true };
export const TWO_STEP: Policy = {
  name: 'two-step',
  line: () => new ArrivalLine({ skipsLast: true }),
  capsBots: false,
};
export const POLICIES: readonly Policy[] = [
  { name: 'oldest first', line: () => new ArrivalLine({ skipsLast: false }), capsBots: false },
  TWO_STEP,
  { name: 'the rule, without the cap', line: () => new FairLine(), capsBots: false },
  RULE,
];

/** The four of the fairness measurements. */
export const FLOODS: readonly Flood[] = [
  {
    name: 'A floods 10,000 jobs of 1 s, 1 worker',
    workers: 1,
    heavyBots: ['a'],
    jobs: [...backlog('a', 10_000, 1), ...quietBots(7, 30, 9_000)],
    horizonMs: 2_500 * SECOND_MS,
  },
  {
    name: 'A and B flood 10,000 jobs of 1 s each, 1 worker',
    workers: 1,
    heavyBots: ['a', 'b'],
    jobs: [...backlog('a', 10_000, 1), ...backlog('b', 10_000, 1), ...quietBots(1, 30, 9_000)],
    horizonMs: 5_000 * SECOND_MS,
  },
  {
    name: 'A, B and C flood 10,000 jobs of 1 s each, 4 workers',
    workers: 4,
    heavyBots: ['a', 'b', 'c'],
    jobs: [...['a', 'b', 'c'].flatMap((botId) => backlog(botId, 10_000, 1)), ...quietBots(5, 60, 7_000)],
    horizonMs: 1_875 * SECOND_MS,
  },
  {
    name: 'A floods 600 jobs of 60 s, 4 workers',
    workers: 4,
    heavyBots: ['a'],
    jobs: [...backlog('a', 600, 60), ...quietBots(5, 20, 7_000)],
    horizonMs: 2_250 * SECOND_MS,
  },
];

/** `count` jobs at once. */
function backlog(botId: string, count: number, durationS: number): SimulatedJob[] {
  return Array.from({ length: count }, () => jobOf(botId, 0, durationS));
}

/** Bots with jobs of a second at random, `everyS` apart on average. */
function quietBots(count: number, everyS: number, untilS: number): SimulatedJob[] {
  return Array.from({ length: count }, (_, index) => {
    const botId = `quiet-${index}`;
    const random = new SeededRandom('floods', botId);
    const jobs: SimulatedJob[] = [];
    for (let atS = 5; atS < untilS; atS += exponential(random, everyS)) jobs.push(jobOf(botId, atS, 1));
    return jobs;
  }).flat();
}

/** Of mean `mean`. */
function exponential(random: SeededRandom, mean: number): number {
  return -mean * Math.log(1 - random.bytes(4).readUInt32LE() / 2 ** 32);
}

function jobOf(botId: string, arrivesAtS: number, durationS: number): SimulatedJob {
  return {
    botId,
    chatId: 'chat',
    arrivesAt: Math.round(arrivesAtS * SECOND_MS),
    durationMs: durationS * SECOND_MS,
    givenBack: 0,
  };
}

export function playFlood(flood: Flood, policy: Policy): FloodResult {
  const { jobs, workers } = flood;
  const services = simulatePool({
    line: policy.line(),
    jobs,
    workers,
    processes: 1,
    capsBots: policy.capsBots,
  });
  const quiet = services.filter(({ job }) => !flood.heavyBots.includes(job.botId));
  const waits = quiet.map(({ job, startedAt }) => (startedAt - job.arrivesAt) / SECOND_MS);
  const sorted = waits.toSorted((a, b) => a - b);
  return {
    longestWaitS: sorted.at(-1) ?? 0,
    p99WaitS: sorted[Math.floor(0.99 * sorted.length)] ?? 0,
    longestWaitForOthersS: Math.max(...quiet.map(({ waitedForOthersMs }) => waitedForOthersMs)) / SECOND_MS,
    longestWaitClaims: Math.max(...quiet.map(({ botPassedOver }) => botPassedOver)),
    jain: jainIndex(shares(flood, services)),
  };
}

/** What each bot was served within the horizon, as a share of its max-min fair part of all that was served. */
function shares({ jobs, horizonMs }: Flood, services: readonly Service[]): readonly number[] {
  const served = services.filter(({ startedAt }) => startedAt < horizonMs);
  const wanted = Map.groupBy(
    jobs.filter(({ arrivesAt }) => arrivesAt < horizonMs),
    ({ botId }) => botId,
  );
  const byDemand = [...wanted].toSorted(([, a], [, b]) => a.length - b.length);
  let left = served.length;
  return byDemand.map(([botId, demand], index) => {
    const part = Math.min(demand.length, left / (byDemand.length - index));
    left -= part;
    return served.filter(({ job }) => job.botId === botId).length / part;
  });
}

function jainIndex(values: readonly number[]): number {
  const sum = values.reduce((total, value) => total + value, 0);
  const squares = values.reduce((total, value) => total + value * value, 0);
  return (sum * sum) / (values.length * squares);
}
