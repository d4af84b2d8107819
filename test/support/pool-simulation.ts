import { InFlight } from '../../src/actors/in-flight.ts';
import { ManualClock } from './manual-clock.ts';
import type { LineJob, PoolLine } from './pool-lines.ts';

/** Times in milliseconds, `arrivesAt` from the start of the simulation. */
export interface SimulatedJob extends LineJob {
  readonly arrivesAt: number;
  readonly durationMs: number;
  /** How many of its first claims end with the job given back. */
  readonly givenBack: number;
}

/** A claim that was carried out. */
export interface Service {
  readonly job: SimulatedJob;
  readonly startedAt: number;
  /** Which process's worker has it. */
  readonly process: number;
  /** How long others kept it waiting: since it arrived, or since its bot was served before it. Milliseconds. */
  readonly waitedForOthersMs: number;
  /** Claims of the pool that passed the bot over while it had a job waiting and was not capped, since its last. */
  readonly botPassedOver: number;
  /** First claims of the bot's jobs that passed the chat over while it had a job waiting, since its last claim. */
  readonly chatPassedOver: number;
}

export interface SimulatedPool {
  readonly line: PoolLine<SimulatedJob>;
  readonly jobs: readonly SimulatedJob[];
  readonly workers: number;
  /** How many processes have that many workers each. */
  readonly processes: number;
  /** Whether a process keeps a worker free of a bot that has all others. */
  readonly capsBots: boolean;
}

/** As often as a pool looks for work that it was not told of. */
const LOOK_EVERY_MS = 10_000;

/** Plays a pool through on a manual clock, until every job is done. Claims are in the order in which they were made. */
export function simulatePool(pool: SimulatedPool): readonly Service[] {
  const simulation = new Simulation(pool);
  return simulation.run();
}

interface SimulatedProcess {
  readonly index: number;
  readonly inFlight: InFlight;
  idle: number;
}

class Simulation {
  readonly #pool: SimulatedPool;
  readonly #clock = new ManualClock(0);
  readonly #arrivals: SimulatedJob[];
  readonly #processes: SimulatedProcess[];
  readonly #services: Service[] = [];
  readonly #bots = new Waits();
  readonly #chats = new Waits();
  readonly #servedAt = new Map<string, number>();
  readonly #claims = new Map<SimulatedJob, number>();
  #unfinished: number;

  constructor(pool: SimulatedPool) {
    this.#pool = pool;
    this.#arrivals = pool.jobs.toSorted((a, b) => b.arrivesAt - a.arrivesAt);
    this.#unfinished = pool.jobs.length;
    const botIds = [...new Set(pool.jobs.map(({ botId }) => botId))];
    this.#processes = Array.from({ length: pool.processes }, (_, index) => ({
      index,
      inFlight: new InFlight(pool.workers, () => botIds, this.#clock),
      idle: pool.workers,
    }));
  }

  run(): readonly Service[] {
    this.#arriveNext();
    this.#look();
    while (this.#unfinished > 0) this.#clock.advance(LOOK_EVERY_MS);
    return this.#services;
  }

  #arriveNext(): void {
    const job = this.#arrivals.pop();
    if (job === undefined) return;
    this.#clock.schedule(job.arrivesAt - this.#clock.now(), () => {
      this.#pool.line.arrive(job);
      this.#wait(job);
      this.#serve();
      this.#arriveNext();
    });
  }

  #look(): void {
    this.#serve();
    if (this.#unfinished > 0) this.#clock.schedule(LOOK_EVERY_MS, () => this.#look());
  }

  #serve(): void {
    for (const process of this.#processes) {
      while (process.idle > 0) {
        const capped = new Set(this.#pool.capsBots ? process.inFlight.capped() : []);
        const job = this.#pool.line.claim(capped);
        if (job === null) break;
        this.#start(job, capped, process);
      }
    }
  }

  #start(job: SimulatedJob, capped: ReadonlySet<string>, process: SimulatedProcess): void {
    const claims = (this.#claims.get(job) ?? 0) + 1;
    this.#claims.set(job, claims);
    const now = this.#clock.now();
    this.#services.push({
      job,
      startedAt: now,
      process: process.index,
      waitedForOthersMs: now - Math.max(job.arrivesAt, this.#servedAt.get(job.botId) ?? 0),
      botPassedOver: this.#bots.served(job.botId, (botId) => !capped.has(botId)),
      chatPassedOver: this.#chats.served(
        chatName(job),
        (name) => claims === 1 && name.startsWith(`${job.botId}/`),
      ),
    });
    this.#servedAt.set(job.botId, now);
    process.idle -= 1;
    process.inFlight.started(job.botId);
    this.#clock.schedule(job.durationMs, () => {
      process.idle += 1;
      process.inFlight.ended(job.botId);
      if (claims > job.givenBack) this.#unfinished -= 1;
      else {
        this.#pool.line.giveBack(job);
        this.#wait(job);
      }
      this.#serve();
    });
  }

  #wait(job: SimulatedJob): void {
    this.#bots.waits(job.botId);
    this.#chats.waits(chatName(job));
  }
}

const chatName = ({ botId, chatId }: LineJob): string => `${botId}/${chatId}`;

/** Counts how often each of those who wait was passed over. */
class Waits {
  readonly #waiting = new Map<string, { jobs: number; passedOver: number }>();

  waits(name: string): void {
    const entry = this.#waiting.get(name);
    if (entry === undefined) this.#waiting.set(name, { jobs: 1, passedOver: 0 });
    else entry.jobs += 1;
  }

  /** Returns how often `name` had been passed over; all others that wait, and of whom `counts` is true, now are. */
  served(name: string, counts: (name: string) => boolean): number {
    for (const [other, entry] of this.#waiting) if (other !== name && counts(other)) entry.passedOver += 1;
    const entry = this.#waiting.get(name);
    if (entry === undefined) throw new Error('expected one of those who wait');
    const { passedOver } = entry;
    entry.jobs -= 1;
    entry.passedOver = 0;
    if (entry.jobs === 0) this.#waiting.delete(name);
    return passedOver;
  }
}
