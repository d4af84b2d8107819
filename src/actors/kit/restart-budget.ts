import type { RestartLimit } from './actor.ts';

/**
 * Counts restarts over a sliding period, as an OTP supervisor does.
 *   R1 In any `periodMs` at most `intensity` restarts are granted.
 */
export class RestartBudget {
  readonly #limit: RestartLimit;
  /** Instants of the granted restarts of the last period; null until the first, since most actors never need one. */
  #granted: number[] | null = null;

  constructor(limit: RestartLimit) {
    this.#limit = limit;
  }

  /** Takes one restart at `now` (ms). False: the budget is spent. */
  spend(now: number): boolean {
    const { intensity, periodMs } = this.#limit;
    const recent = (this.#granted ?? []).filter((instant) => now - instant < periodMs);
    if (recent.length >= intensity) return false;
    recent.push(now);
    this.#granted = recent;
    return true;
  }
}
