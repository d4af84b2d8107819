import type { Clock } from '../../base/clock.ts';
import type { MediaProcessingJob } from '../../jobs/job.ts';
import { type ReadableCollections, SERVER_NOW } from './collections.ts';

/** What the server's clock says, and when this host's was looked at before and after it was asked. */
interface Reading {
  readonly askedAt: number;
  readonly serverNow: number;
  readonly answeredAt: number;
}

/** Clocks of hosts that are looked after differ by less. */
const TOLERANCE_MS = 1_000;
/** Measured finer, it would be another one after each restart. */
const GRAIN_MS = 1_000;

/**
 * How far the server's clock is ahead of this host's. The times at which jobs change are written by the server's clock: the
 * processes that change one, and the janitor that finds it idle, may each have another.
 *   K1 What is written and read again between two measurements is the same, to the millisecond.
 *   K2 While this host slept, or when the server's clock was set forward, no time went by for what it knows: what it wrote before
 *      stays as old as it was, and what others wrote meanwhile is from when it woke.
 *   K3 A difference below a second, or one that the way to the server explains, changes nothing: what was read before a
 *      measurement still names what is in the store.
 */
export class ServerClock {
  readonly #clock: Clock;
  #aheadMs = 0;
  #isMeasured = false;
  /** When this host woke last, by its own clock, and how far the server's was ahead before. */
  #woke: { readonly at: number; readonly aheadBeforeMs: number } | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A time of this host, by the server's clock. */
  toServer(at: number): number {
    return at + (this.#woke !== null && at < this.#woke.at ? this.#woke.aheadBeforeMs : this.#aheadMs);
  }

  /** A time of the server, by this host's clock. */
  toHost(at: number): number {
    const awake = at - this.#aheadMs;
    if (this.#woke === null || awake >= this.#woke.at) return awake;
    return Math.min(at - this.#woke.aheadBeforeMs, this.#woke.at);
  }

  /** A job as it is in the store, by this host's clock. Leases and back-offs, which the store alone ends, stay as they are. */
  jobToHost<Job extends MediaProcessingJob>(job: Job): Job {
    const toHost = (at: number | null): number | null => (at === null ? null : this.toHost(at));
    return {
      ...job,
      changedAt: this.toHost(job.changedAt),
      stagedAt: toHost(job.stagedAt),
      claimedAt: toHost(job.claimedAt),
      completedAt: toHost(job.completedAt),
    };
  }

  /** Asks the server what time it is. */
  async measure({ meta }: Pick<ReadableCollections, 'meta'>): Promise<void> {
    const askedAt = this.#clock.now();
    const reply = await meta
      .aggregate<{ readonly now: number }>([{ $limit: 1 }, { $project: { now: SERVER_NOW } }])
      .next();
    if (reply !== null) this.take({ askedAt, serverNow: reply.now, answeredAt: this.#clock.now() });
  }

  take({ askedAt, serverNow, answeredAt }: Reading): void {
    const uncertainMs = (answeredAt - askedAt) / 2;
    const aheadMs = Math.round((serverNow - askedAt - uncertainMs) / GRAIN_MS) * GRAIN_MS;
    const isFirst = !this.#isMeasured;
    this.#isMeasured = true;
    if (Math.abs(aheadMs - this.#aheadMs) <= TOLERANCE_MS + uncertainMs) return;
    this.#woke = !isFirst && aheadMs > this.#aheadMs ? { at: askedAt, aheadBeforeMs: this.#aheadMs } : null;
    this.#aheadMs = aheadMs;
  }
}
