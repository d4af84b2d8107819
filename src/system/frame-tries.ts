import type { Clock } from '../base/clock.ts';
import { RecentMap } from '../base/recent-map.ts';

/** A frame that meets a bug is tried so often before it is left to lie. */
const MOST_TRIES = 3;
/** It is tried once more when it has lain for so long: a restart may have cured the bug, another moment may do. */
const LIES_MS = 600_000;
/** Frames that are remembered, those that failed last. */
const CAPACITY = 10_000;

/** `try`: a failure closes the link, and the frame comes again in its place. `last`: a failure lets it lie. */
export type Turn = 'try' | 'last' | 'lies';

/**
 * How often each frame has met a bug, so that one of them does not keep its gateway redialling, and everything behind it
 * waiting, until an actor's restarts are used up.
 *   N1 A frame closes its link at most `MOST_TRIES - 1` times, and then lies for `LIES_MS` after each further failure.
 *   N2 A frame that went well is forgotten.
 */
export class FrameTries {
  readonly #clock: Clock;
  readonly #failures = new RecentMap<string, { readonly count: number; readonly at: number }>(CAPACITY);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  turnOf(gatewayId: string, seq: number): Turn {
    const { count, at } = this.#failures.get(nameOf(gatewayId, seq)) ?? { count: 0, at: 0 };
    if (count < MOST_TRIES - 1) return 'try';
    if (count < MOST_TRIES) return 'last';
    return this.#clock.now() - at < LIES_MS ? 'lies' : 'last';
  }

  failed(gatewayId: string, seq: number): void {
    const name = nameOf(gatewayId, seq);
    const { count } = this.#failures.get(name) ?? { count: 0 };
    this.#failures.set(name, { count: count + 1, at: this.#clock.now() });
  }

  wentWell(gatewayId: string, seq: number): void {
    this.#failures.delete(nameOf(gatewayId, seq));
  }
}

const nameOf = (gatewayId: string, seq: number): string => `${seq} ${gatewayId}`;
