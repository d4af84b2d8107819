import type { Clock } from '../../base/clock.ts';

export interface BucketSize {
  /** What may be spent at once. */
  readonly burst: number;
  readonly perSecond: number;
}

/**
 * How much of something may happen: `burst` at once, and `perSecond` in the long run.
 *   K1 Who spends only while nothing is owed spends at most `burst` + t × `perSecond` within t seconds, and what the last
 *      spending was beyond that.
 */
export class TokenBucket {
  readonly #clock: Clock;
  readonly #size: BucketSize;
  #tokens: number;
  #countedAt: number;

  constructor(clock: Clock, size: BucketSize) {
    this.#clock = clock;
    this.#size = size;
    this.#tokens = size.burst;
    this.#countedAt = clock.now();
  }

  /** How long until nothing is owed; 0: nothing is. */
  get debtMs(): number {
    this.#refill();
    return this.#tokens >= 0 ? 0 : Math.ceil((-this.#tokens / this.#size.perSecond) * 1_000);
  }

  /** More than there is becomes a debt. */
  spend(tokens: number): void {
    this.#refill();
    this.#tokens -= tokens;
  }

  /** False, and nothing is spent, when there is not so much. */
  trySpend(tokens: number): boolean {
    this.#refill();
    if (this.#tokens < tokens) return false;
    this.#tokens -= tokens;
    return true;
  }

  #refill(): void {
    const now = this.#clock.now();
    const { burst, perSecond } = this.#size;
    this.#tokens = Math.min(burst, this.#tokens + ((now - this.#countedAt) / 1_000) * perSecond);
    this.#countedAt = now;
  }
}
