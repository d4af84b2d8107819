import type { Clock } from '../base/clock.ts';

/** A bot counts as active for this long after its last claim, and after it was first seen. */
const ACTIVE_MS = 60_000;

/**
 * Which bots hold as many of a pool's workers as one bot may: max(1, W − 1) of W while another bot was active in the
 * last minute, so that one bot with long jobs cannot fill every worker. Counts this process's workers alone.
 */
export class InFlight {
  readonly #cap: number;
  readonly #clock: Clock;
  readonly #botIds: () => Iterable<string>;
  #known: ReadonlySet<string> = new Set();
  readonly #running = new Map<string, number>();
  readonly #activeAt = new Map<string, number>();

  /** `botIds`: the bots whose jobs may come, which change while this process runs. */
  constructor(workers: number, botIds: () => Iterable<string>, clock: Clock) {
    this.#cap = Math.max(1, workers - 1);
    this.#botIds = botIds;
    this.#clock = clock;
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
    this.#greet();
    const now = this.#clock.now();
    for (const botId of this.#activeAt.keys()) if (this.#idleFrom(botId) <= now) this.#activeAt.delete(botId);
    if (this.#activeAt.size < 2) return [];
    return [...this.#running].filter(([, count]) => count >= this.#cap).map(([botId]) => botId);
  }

  /** When the last other bot will be idle, should it get nothing to do until then; null when no clock lifts the cap. */
  capLiftsAt(): number | null {
    const idleFrom = [...this.#activeAt.keys()]
      .map((botId) => this.#idleFrom(botId))
      .toSorted((one, other) => one - other)
      .at(-2);
    return idleFrom !== undefined && Number.isFinite(idleFrom) ? idleFrom : null;
  }

  /** From when on a bot that is active will not be, if nothing happens. */
  #idleFrom(botId: string): number {
    if (this.#running.has(botId)) return Number.POSITIVE_INFINITY;
    return (this.#activeAt.get(botId) ?? 0) + ACTIVE_MS + 1;
  }

  /** Bots that were added meanwhile are active for a while, like those that were there from the start. */
  #greet(): void {
    const now = this.#clock.now();
    const known = new Set(this.#botIds());
    for (const botId of known) if (!this.#known.has(botId)) this.#activeAt.set(botId, now);
    this.#known = known;
  }
}
