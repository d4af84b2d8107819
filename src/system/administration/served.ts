import { MINUTE_MS } from '../../base/units.ts';

/** How long a job that came to its end counts. */
const WINDOW_MINUTES = 5;

const firstMinuteAt = (now: number): number => Math.floor(now / MINUTE_MS) - WINDOW_MINUTES + 1;

export interface BotShare {
  readonly botId: string;
  /** Jobs that came to their end in the last five minutes. */
  readonly served: number;
}

/**
 * How many jobs of each bot every pool has lately served: whether one bot starves another shows here, and how fast the
 * pool gets on.
 *   S1 Memory is bounded: a number per minute, pool and bot, for `WINDOW_MINUTES`.
 */
export class Served {
  /** Oldest minute first; by pool, by bot. */
  readonly #minutes = new Map<number, Map<string, Map<string, number>>>();
  readonly #since: number;

  /** `since`: when the counting begins. */
  constructor(since: number) {
    this.#since = since;
  }

  note(pool: string, botId: string, now: number): void {
    const minute = Math.floor(now / MINUTE_MS);
    this.#forgetBefore(firstMinuteAt(now));
    const pools = this.#minutes.get(minute) ?? new Map<string, Map<string, number>>();
    const bots = pools.get(pool) ?? new Map<string, number>();
    bots.set(botId, (bots.get(botId) ?? 0) + 1);
    pools.set(pool, bots);
    this.#minutes.set(minute, pools);
  }

  /** The bots that were served, the most often served first. */
  sharesOf(pool: string, now: number): readonly BotShare[] {
    this.#forgetBefore(firstMinuteAt(now));
    const served = new Map<string, number>();
    for (const pools of this.#minutes.values()) {
      for (const [botId, count] of pools.get(pool) ?? []) served.set(botId, (served.get(botId) ?? 0) + count);
    }
    return Array.from(served, ([botId, count]) => ({ botId, served: count })).toSorted(
      (one, other) => other.served - one.served || (one.botId < other.botId ? -1 : 1),
    );
  }

  /** Jobs a minute; in the first minute, those until now. */
  perMinute(pool: string, now: number): number {
    const from = Math.max(this.#since, firstMinuteAt(now) * MINUTE_MS);
    const jobs = this.sharesOf(pool, now).reduce((sum, { served }) => sum + served, 0);
    return jobs / Math.max((now - from) / MINUTE_MS, 1);
  }

  #forgetBefore(minute: number): void {
    for (const each of this.#minutes.keys()) if (each < minute) this.#minutes.delete(each);
  }
}
