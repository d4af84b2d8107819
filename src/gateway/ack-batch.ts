import type { Clock, Timer } from '../base/clock.ts';

const FLUSH_AFTER_MS = 50;
const FLUSH_AT_ACKS = 256;

/**
 * Collects acks, so that many of them cost one transaction. Losing some is harmless: the frame is sent once more and
 * the backend knows it.
 */
export class AckBatch {
  readonly #clock: Clock;
  readonly #apply: (seqs: readonly number[]) => void;
  #seqs: number[] = [];
  #timer: Timer | null = null;

  /** `apply` must not throw. */
  constructor(clock: Clock, apply: (seqs: readonly number[]) => void) {
    this.#clock = clock;
    this.#apply = apply;
  }

  add(seq: number): void {
    this.#seqs.push(seq);
    if (this.#seqs.length >= FLUSH_AT_ACKS) this.flush();
    else this.#timer ??= this.#clock.schedule(FLUSH_AFTER_MS, () => this.flush());
  }

  flush(): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#seqs.length === 0) return;
    const seqs = this.#seqs;
    this.#seqs = [];
    this.#apply(seqs);
  }
}
