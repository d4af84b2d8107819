import type { Clock, Timer } from '../base/clock.ts';
import { describeError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { MINUTE_MS } from '../base/units.ts';
import type { JobCount, JobStore } from '../store/job-store.ts';

/** What one pool has before it and in hand, and how fast it gets on. */
export interface PoolBacklog {
  readonly pool: string;
  /** Claimable now. */
  readonly pending: number;
  /** In back-off. */
  readonly waiting: number;
  readonly inProgress: number;
  /** Of bots that are not connected. */
  readonly held: number;
  /** Age of the oldest claimable job, from its message's acceptance. Null when there is none. */
  readonly oldestPendingMs: number | null;
}

/** The backlog of each pool, out of what the store counts. */
export function poolBacklogs(
  pools: readonly string[],
  counts: readonly JobCount[],
  now: number,
): readonly PoolBacklog[] {
  return pools.map((pool) => {
    const ofPool = counts.filter((each) => each.pool === pool);
    const active = ofPool.filter(({ collection }) => collection === 'active');
    const pending = active.filter(({ status }) => status === 'pending');
    const oldest = Math.min(...pending.map(({ oldestCreatedAt }) => oldestCreatedAt));
    return {
      pool,
      pending: total(pending),
      waiting: total(active.filter(({ status }) => status === 'waiting')),
      inProgress: total(active.filter(({ status }) => status === 'processing')),
      held: total(ofPool.filter(({ collection }) => collection === 'holding')),
      oldestPendingMs: pending.length === 0 ? null : now - oldest,
    };
  });
}

const total = (counts: readonly JobCount[]): number => counts.reduce((sum, { count }) => sum + count, 0);

export interface BacklogLogOptions {
  readonly store: Pick<JobStore, 'countJobs'>;
  readonly pools: readonly string[];
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Logs a line for each pool again and again, from `start` until `close`.
 *   L1 A pool without jobs, that has done none since the last time, has no line.
 *   L2 One reading of the store at a time; one that fails is logged, and the next comes as ever.
 */
export class BacklogLog {
  readonly #options: BacklogLogOptions;
  readonly #done = new Map<string, number>();
  #timer: Timer | null = null;
  #lastAt: number;
  #isClosed = false;

  constructor(options: BacklogLogOptions) {
    this.#options = options;
    this.#lastAt = options.clock.now();
  }

  start(everyMs: number): void {
    this.#timer = this.#options.clock.schedule(everyMs, () => void this.#reportAndGoOn(everyMs));
  }

  /** A job of this pool came to its end. */
  done(pool: string): void {
    this.#done.set(pool, (this.#done.get(pool) ?? 0) + 1);
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  async #reportAndGoOn(everyMs: number): Promise<void> {
    await this.#report();
    if (!this.#isClosed) this.start(everyMs);
  }

  async #report(): Promise<void> {
    const { store, pools, clock, log } = this.#options;
    try {
      const counts = await store.countJobs();
      const minutes = (clock.now() - this.#lastAt) / MINUTE_MS;
      for (const backlog of poolBacklogs(pools, counts, clock.now())) this.#logPool(backlog, minutes);
      this.#done.clear();
      this.#lastAt = clock.now();
    } catch (error) {
      log.warn({ reason: describeError(error) }, 'the backlog could not be counted');
    }
  }

  #logPool(
    { pool, pending, waiting, inProgress, held, oldestPendingMs }: PoolBacklog,
    minutes: number,
  ): void {
    const done = this.#done.get(pool) ?? 0;
    if (pending + waiting + inProgress + held + done === 0) return;
    this.#options.log.info(
      {
        pool,
        pending,
        waiting,
        in_progress: inProgress,
        held,
        oldest_pending_ms: oldestPendingMs,
        done_per_minute: Number((done / minutes).toFixed(1)),
      },
      'backlog',
    );
  }
}
