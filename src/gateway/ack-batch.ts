import { backOffMs } from '../base/back-off.ts';
import type { Clock, Timer } from '../base/clock.ts';

const FLUSH_AFTER_MS = 50;
const FLUSH_AT_ACKS = 256;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 30_000;

/**
 * Collects acks, so that many of them cost one transaction.
 *   F1 Those that cannot be applied are kept, and tried again with those that come meanwhile, ever more slowly. Losing some
 *      at a crash is harmless: the frame is sent once more, and the backend knows it.
 */
export class AckBatch {
  readonly #clock: Clock;
  readonly #apply: (seqs: readonly number[]) => boolean;
  readonly #seqs = new Set<number>();
  #timer: Timer | null = null;
  #failures = 0;

  /** `apply` must not throw; false when it could not be done now. */
  constructor(clock: Clock, apply: (seqs: readonly number[]) => boolean) {
    this.#clock = clock;
    this.#apply = apply;
  }

  add(seq: number): void {
    this.#seqs.add(seq);
    if (this.#failures === 0 && this.#seqs.size >= FLUSH_AT_ACKS) this.flush();
    else this.#timer ??= this.#clock.schedule(FLUSH_AFTER_MS, () => this.flush());
  }

  flush(): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#seqs.size === 0) return;
    if (this.#apply([...this.#seqs])) {
      this.#seqs.clear();
      this.#failures = 0;
      return;
    }
    const delayMs = backOffMs(FIRST_RETRY_MS, this.#failures, LONGEST_RETRY_MS);
    this.#failures += 1;
    this.#timer = this.#clock.schedule(delayMs, () => this.flush());
  }

  /** Applies what it can, for the last time. */
  close(): void {
    this.flush();
    this.#timer?.cancel();
  }
}
