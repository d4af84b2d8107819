import type { Timer } from '../base/clock.ts';
import { describeError } from '../base/errors.ts';
import type { ClaimedJob } from '../jobs/job.ts';
import type { PoolConfig } from '../jobs/pools.ts';
import type { JobOutcome, JobRun } from '../processors/run-job.ts';
import type { Store } from '../store/store.ts';
import { type Completion, completionOf, storedCompletion } from './completion.ts';
import { InFlight } from './in-flight.ts';
import type { ActorContext, ActorDefinition, ActorRef } from './kit/actor.ts';
import { later } from './kit/later.ts';
import { PoolDesk } from './pool-desk.ts';
import { workerActor, type WorkerProtocol } from './worker.ts';

export interface WorkerPoolProtocol {
  /** Makes the workers, and looks for work in every pool. */
  open(): Promise<void>;
  /** Work became claimable in a pool; null: perhaps in any. */
  wake(pool: string | null): void;
  /** Claims nothing more and waits until each job in hand is finished or given back. */
  drain(): Promise<void>;
}

export interface WorkerPoolArgs {
  readonly pools: readonly PoolConfig[];
  readonly store: Store;
  readonly leaseMs: number;
  readonly maxAttempts: number;
  /** How a pool's workers do a job. */
  readonly runOf: (pool: PoolConfig) => JobRun;
  /** Tells the chat's owner that a result is durable. Must not block. */
  readonly completed: (completion: Completion) => void;
}

/** A job's own deadlines end it long before; this one only frees a worker that hangs all the same. */
const RUN_DEADLINE_MARGIN_MS = 120_000;
const LONGEST_REVIVE_MS = 10_000;
const SHORTEST_REVIVE_MS = 50;

/**
 * Supervises the workers of all pools, and gives back what dead workers held.
 *   W1 A worker has at most one job; a job has at most one worker with a current token.
 *   W2 Lapsed leases and finished back-offs are looked for when the next is due, at least every ten seconds.
 */
class WorkerPool {
  readonly #context: ActorContext<WorkerPoolProtocol>;
  readonly #args: WorkerPoolArgs;
  readonly #desks = new Map<string, PoolDesk>();
  readonly #giveBack = new AbortController();
  #reviveTimer: Timer | null = null;
  #reviveDueAt = 0;

  constructor(context: ActorContext<WorkerPoolProtocol>, args: WorkerPoolArgs) {
    this.#context = context;
    this.#args = args;
  }

  async open(): Promise<void> {
    for (const pool of this.#args.pools) {
      const workers = await this.#hire(pool);
      this.#desks.set(
        pool.name,
        new PoolDesk({
          pool,
          workers,
          inFlight: new InFlight(pool.workers, this.#context.clock),
          context: this.#context,
          claim: (cappedBots) => this.#claim(pool, cappedBots),
          ended: (job, outcome) => this.#ended(job, outcome),
          runDeadlineMs: pool.timeoutMs + RUN_DEADLINE_MARGIN_MS,
        }),
      );
    }
    await this.#revive();
    this.wake(null);
  }

  wake(pool: string | null): void {
    for (const [name, desk] of this.#desks) if (pool === null || pool === name) desk.wake();
  }

  async drain(): Promise<void> {
    this.#reviveTimer?.cancel();
    this.#giveBack.abort();
    await Promise.all([...this.#desks.values()].map((desk) => desk.close()));
  }

  stopped(): void {
    this.#reviveTimer?.cancel();
    this.#giveBack.abort();
  }

  inspect(): Readonly<Record<string, unknown>> {
    return Object.fromEntries([...this.#desks].map(([name, desk]) => [name, desk.inspect()]));
  }

  async #hire(pool: PoolConfig): Promise<ActorRef<WorkerProtocol>[]> {
    const run = this.#args.runOf(pool);
    const workers: ActorRef<WorkerProtocol>[] = [];
    for (let number = 1; number <= pool.workers; number += 1) {
      const args = { run, drain: this.#giveBack.signal };
      workers.push(await this.#context.spawn(workerActor, `${pool.name}-${number}`, args));
    }
    return workers;
  }

  #claim(pool: PoolConfig, cappedBots: readonly string[]): Promise<ClaimedJob | null> {
    const { store, leaseMs } = this.#args;
    return store.claim({ pool: pool.name, now: this.#context.clock.now(), leaseMs, cappedBots });
  }

  #ended(job: ClaimedJob, outcome: JobOutcome): void {
    if (outcome.kind === 'completed') this.#args.completed(completionOf(job, outcome.result));
    if (outcome.kind === 'postponed') this.#reviveAt(outcome.availableAt);
  }

  async #revive(): Promise<void> {
    const { store, maxAttempts, completed } = this.#args;
    let nextDueAt: number | null = null;
    try {
      const revived = await store.reviveJobs(this.#context.clock.now(), maxAttempts);
      for (const job of revived.poisoned) completed(storedCompletion(job));
      for (const pool of revived.pools) this.wake(pool);
      nextDueAt = revived.nextDueAt;
    } catch (error) {
      this.#context.log.warn({ reason: describeError(error) }, 'leases could not be looked at');
    }
    this.#reviveAt(nextDueAt ?? Number.POSITIVE_INFINITY);
  }

  #reviveAt(dueAt: number): void {
    if (this.#giveBack.signal.aborted) return;
    const now = this.#context.clock.now();
    const at = Math.min(Math.max(dueAt, now + SHORTEST_REVIVE_MS), now + LONGEST_REVIVE_MS);
    if (this.#reviveTimer !== null && this.#reviveDueAt <= at) return;
    this.#reviveTimer?.cancel();
    this.#reviveDueAt = at;
    this.#reviveTimer = this.#context.clock.schedule(at - now, () => {
      this.#reviveTimer = null;
      void this.#revive();
    });
  }
}

export const workerPoolActor: ActorDefinition<WorkerPoolProtocol, WorkerPoolArgs> = {
  kind: 'worker-pool',
  create(context, args) {
    const pool = new WorkerPool(context, args);
    return {
      handlers: {
        open: () => pool.open(),
        wake: (name) => pool.wake(name),
        drain: () => later(pool.drain()),
      },
      stopped: () => pool.stopped(),
      inspect: () => pool.inspect(),
    };
  },
};
