import type { Timer } from '../base/clock.ts';
import { describeError } from '../base/errors.ts';
import type { ClaimedJob } from '../jobs/job.ts';
import type { PoolConfig } from '../jobs/pools.ts';
import type { JobOutcome, JobRun } from '../processors/run-job.ts';
import type { WorkStore } from '../store/work-store.ts';
import { type Completion, completionOf, storedCompletion } from './completion.ts';
import { InFlight } from './in-flight.ts';
import type { ActorContext, ActorDefinition, Detail } from './kit/actor.ts';
import { later } from './kit/later.ts';
import { PoolDesk, type Worker } from './pool-desk.ts';
import { workerActor } from './worker.ts';

export interface WorkerPoolProtocol {
  /** Work may have become claimable in every pool. */
  wake(): void;
  /** What the workers of each pool are at. */
  load(): readonly PoolLoad[];
  /** Claims nothing more and waits until each job in hand is finished or given back. */
  drain(): Promise<void>;
}

/** Of the workers in this process. */
export interface PoolLoad {
  readonly pool: string;
  readonly busy: number;
  readonly idle: number;
}

export interface WorkerPoolArgs {
  readonly pools: readonly PoolConfig[];
  /** The bots whose jobs may come, as far as they are known: they change. */
  readonly botIds: () => Iterable<string>;
  readonly store: Pick<WorkStore, 'claim' | 'reviveJobs' | 'onClaimable'>;
  readonly leaseMs: number;
  readonly maxAttempts: number;
  /** How a pool's workers do a job. */
  readonly runOf: (pool: PoolConfig) => JobRun;
  /** Tells that a result is durable, of a job of this pool, and whether its chat has it already. Must not block. */
  readonly completed: (completion: Completion, pool: string | null, isSettled: boolean) => void;
  /** Tells a bot that a result of its may be durable without anybody having heard of it. Must not block. */
  readonly unsaved: (botId: string) => void;
}

/** A job's own deadlines end it long before; this one only frees a worker that hangs all the same. */
const RUN_DEADLINE_MARGIN_MS = 120_000;
const LONGEST_REVIVE_MS = 10_000;
const SHORTEST_REVIVE_MS = 50;
/** Of a lease. A heartbeat leaves twice as much of it at least: a look is due within as much, and late by as much at most. */
const SLEPT = 1 / 3;
/** Of a lease: long enough for a heartbeat that was on its way, and the next. */
const PATIENCE = 1 / 2;
/** In a row: a process that is late ever again does not sleep, its machine is too busy. */
const MOST_LATE_LOOKS = 3;

/**
 * Supervises the workers of all pools, and gives back what dead workers held.
 *   W1 A worker has at most one job; a job has at most one worker with a current token.
 *   W2 Lapsed leases and finished back-offs are looked for when the next is due, at least every ten seconds, and
 *      three times a lease.
 *   W3 Every pool looks for work whenever it is told of some, and whenever leases are looked at: a job that nobody
 *      was told of waits ten seconds at most.
 *   W4 A process that slept, as a paused container does, ends no lease before its own workers, which slept as well, had the
 *      time to prolong theirs.
 */
class WorkerPool {
  readonly #context: ActorContext<WorkerPoolProtocol>;
  readonly #args: WorkerPoolArgs;
  readonly #desks = new Map<string, PoolDesk>();
  readonly #giveBack = new AbortController();
  /** Aborted when jobs are to be given back and no more to be claimed. */
  readonly #closing: AbortSignal;
  #reviveTimer: Timer | null = null;
  #reviveDueAt = 0;
  #reviveNotBefore = 0;
  #lateLooks = 0;

  constructor(context: ActorContext<WorkerPoolProtocol>, args: WorkerPoolArgs) {
    this.#context = context;
    this.#args = args;
    this.#closing = AbortSignal.any([context.signal, this.#giveBack.signal]);
  }

  async started(): Promise<void> {
    const { pools, store } = this.#args;
    for (const pool of pools) this.#desks.set(pool.name, await this.#deskOf(pool));
    // Not by the mailbox: a claim that is made at once shares the transaction that it is made for.
    store.onClaimable((pool) => this.#desks.get(pool)?.wake());
    void this.#revive();
  }

  wake(): void {
    for (const desk of this.#desks.values()) desk.wake();
  }

  load(): readonly PoolLoad[] {
    return Array.from(this.#desks, ([pool, desk]) => ({ pool, ...desk.load }));
  }

  async drain(): Promise<void> {
    this.#reviveTimer?.cancel();
    this.#giveBack.abort();
    await Promise.all([...this.#desks.values()].map((desk) => desk.closed()));
  }

  inspect(): Detail {
    return Object.fromEntries([...this.#desks].map(([name, desk]) => [name, desk.inspect()]));
  }

  async #deskOf(pool: PoolConfig): Promise<PoolDesk> {
    const { store, leaseMs } = this.#args;
    const { clock } = this.#context;
    const workers: Worker[] = [];
    let hired = 0;
    const hire = (): Promise<Worker> => {
      hired += 1;
      const args = { run: this.#args.runOf(pool), giveBack: this.#closing };
      return this.#context.spawn(workerActor, `${pool.name}-${hired}`, args);
    };
    while (workers.length < pool.workers) workers.push(await hire());
    return new PoolDesk({
      workers,
      inFlight: new InFlight(pool.workers, this.#args.botIds, clock),
      context: this.#context,
      signal: this.#closing,
      claim: (cappedBots) => store.claim({ pool: pool.name, now: clock.now(), leaseMs, cappedBots }),
      ended: (job, outcome) => this.#ended(job, outcome),
      runDeadlineMs: pool.timeoutMs + RUN_DEADLINE_MARGIN_MS,
      replace: async (worker) => {
        await this.#context.stop(worker, 'now');
        return hire();
      },
    });
  }

  #ended(job: ClaimedJob, outcome: JobOutcome): void {
    switch (outcome.kind) {
      case 'completed':
        return this.#args.completed(
          completionOf(job, outcome.result, outcome.completedAt),
          job.pool,
          outcome.isSettled,
        );
      case 'postponed':
        return this.#reviveAt(outcome.availableAt);
      case 'unsaved':
        return this.#args.unsaved(job.correspondent.botId);
      case 'released':
      case 'lost':
    }
  }

  async #revive(): Promise<void> {
    const { store, maxAttempts, completed } = this.#args;
    let nextDueAt: number | null = null;
    try {
      const revived = await store.reviveJobs(this.#context.clock.now(), maxAttempts);
      for (const job of revived.poisoned) completed(storedCompletion(job), job.pool, false);
      nextDueAt = revived.nextDueAt;
    } catch (error) {
      this.#context.log.warn({ reason: describeError(error) }, 'leases could not be looked at');
    }
    this.wake();
    this.#reviveAt(nextDueAt ?? Number.POSITIVE_INFINITY);
  }

  #reviveAt(dueAt: number): void {
    if (this.#closing.aborted) return;
    const now = this.#context.clock.now();
    const longestMs = Math.min(LONGEST_REVIVE_MS, this.#args.leaseMs * SLEPT);
    const soon = Math.min(Math.max(dueAt, now + SHORTEST_REVIVE_MS), now + longestMs);
    const at = Math.max(soon, this.#reviveNotBefore);
    if (this.#reviveTimer !== null && this.#reviveDueAt <= at) return;
    this.#reviveTimer?.cancel();
    this.#reviveDueAt = at;
    this.#reviveTimer = this.#context.clock.schedule(at - now, () => {
      this.#reviveTimer = null;
      this.#reviveUnlessSlept(at);
    });
  }

  #reviveUnlessSlept(dueAt: number): void {
    const { clock, log } = this.#context;
    const { leaseMs } = this.#args;
    const now = clock.now();
    this.#lateLooks = now - dueAt < leaseMs * SLEPT ? 0 : this.#lateLooks + 1;
    if (this.#lateLooks === 0 || this.#lateLooks > MOST_LATE_LOOKS) {
      void this.#revive();
      return;
    }
    log.warn({ slept_ms: now - dueAt }, 'this process slept: leases are looked at later');
    this.#reviveNotBefore = now + leaseMs * PATIENCE;
    this.wake();
    this.#reviveAt(this.#reviveNotBefore);
  }
}

export const workerPoolActor: ActorDefinition<WorkerPoolProtocol, WorkerPoolArgs> = {
  kind: 'worker-pool',
  create(context, args) {
    const pool = new WorkerPool(context, args);
    return {
      handlers: {
        wake: () => pool.wake(),
        load: () => pool.load(),
        drain: () => later(pool.drain()),
      },
      started: () => pool.started(),
      stopped: () => pool.drain(),
      inspect: () => pool.inspect(),
    };
  },
};
