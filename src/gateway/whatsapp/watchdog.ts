import type { Clock, Timer } from '../../base/clock.ts';

/**
 * Notices a link on which nothing comes any more. Baileys asks for a sign of life every 30 s, so a link that works is
 * never silent for long; a frozen one stays open, with no error, for as long as the kernel believes in it.
 *   W1 `onSilent` is called at most once, `silentAfterMs` after the last `sawFrame`, and never after `stop`.
 */
export class Watchdog {
  readonly #clock: Clock;
  readonly #silentAfterMs: number;
  readonly #onSilent: () => void;
  #lastFrameAt: number;
  #timer: Timer;

  constructor(clock: Clock, silentAfterMs: number, onSilent: () => void) {
    this.#clock = clock;
    this.#silentAfterMs = silentAfterMs;
    this.#onSilent = onSilent;
    this.#lastFrameAt = clock.now();
    this.#timer = this.#scheduleCheck();
  }

  sawFrame(): void {
    this.#lastFrameAt = this.#clock.now();
  }

  stop(): void {
    this.#timer.cancel();
  }

  #scheduleCheck(): Timer {
    const dueInMs = this.#lastFrameAt + this.#silentAfterMs - this.#clock.now();
    return this.#clock.schedule(dueInMs, () => this.#check());
  }

  #check(): void {
    if (this.#clock.now() - this.#lastFrameAt >= this.#silentAfterMs) this.#onSilent();
    else this.#timer = this.#scheduleCheck();
  }
}
