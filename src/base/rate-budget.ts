export interface RateLimit {
  readonly most: number;
  readonly periodMs: number;
}

/**
 * Counts occasions over a sliding period, as an OTP supervisor counts restarts.
 *   R1 In any `periodMs` at most `most` are granted.
 */
export class RateBudget {
  readonly #limit: RateLimit;
  /** Instants of what was granted in the last period; null until the first, since most budgets are never used. */
  #granted: number[] | null = null;

  constructor(limit: RateLimit) {
    this.#limit = limit;
  }

  /** Takes one at `now` (ms). False: the budget is spent. */
  spend(now: number): boolean {
    const { most, periodMs } = this.#limit;
    const recent = (this.#granted ?? []).filter((instant) => now - instant < periodMs);
    if (recent.length >= most) return false;
    recent.push(now);
    this.#granted = recent;
    return true;
  }
}
