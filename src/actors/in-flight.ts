import type { Clock } from '../base/clock.ts';

/** A bot counts as active for this long after its last claim, and after the process has started. */
const ACTIVE_MS = 60_000;

/**
 * Which bots hold as many of a pool's workers as one bot may: max(1, W − 1) of W while another bot was active in the
 * last minute, so that one bot with long jobs cannot fill every worker. Counts this process's workers alone.
 */
export class InFlight {
  readonly #cap: number;
  readonly #clock: Clock;
  readonly #running = new Map<string, number>();
  readonly #activeAt = new Map<string, number>();

  constructor(workers: number, botIds: readonly string[], clock: Clock) {
    this.#cap = Math.max(1, workers - 1);
    this.#clock = clock;
    for (const botId of botIds) this.#activeAt.set(botId, clock.now());
  }

  started(botId: string): void {
    this.#running.set(botId, (this.#running.get(botId) ?? 0) + 1);
    this.#activeAt.set(botId, this.#clock.now());
  }

  ended(botId: string): void {
    const left = (this.#running.get(botId) ?? 1) - 1;
    if (left > 0) this.#running.set(botId, left);
    else this.#running.delete(botId);
  }

  /** The bots that are not to be served now. */
  capped(): readonly string[] {
    const since = this.#clock.now() - ACTIVE_MS;
    for (const [botId, at] of this.#activeAt) {
      if (at < since && !this.#running.has(botId)) this.#activeAt.delete(botId);
    }
    if (this.#activeAt.size < 2) return [];
    return [...this.#running].filter(([, count]) => count >= this.#cap).map(([botId]) => botId);
  }
}
