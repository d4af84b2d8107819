import type { Store } from '../../../src/store/store.ts';
import { interceptStore, storeAway } from '../intercepted-store.ts';
import type { SeededChoices } from './seeded-choices.ts';
import type { Trace } from './trace.ts';
import type { VirtualTime } from './virtual-time.ts';

/** How the store behaves at the moment; set by mishaps, shared by all lives. */
export interface Weather {
  slow: boolean;
  away: boolean;
  unheard: boolean;
  deafHeartbeats: boolean;
  historyAway: boolean;
  faultRate: number;
}

export const FAIR_WEATHER: Weather = {
  slow: false,
  away: false,
  unheard: false,
  deafHeartbeats: false,
  historyAway: false,
  faultRate: 0,
};

export interface FaultyStoreOptions {
  readonly time: VirtualTime;
  readonly choices: SeededChoices;
  readonly trace: Trace;
  readonly weather: Weather;
  /** Something was carried out, and nobody has heard of it yet. */
  readonly carriedOut: (operation: string) => void;
}

/** A call that was sent and not carried out. */
interface Sent {
  readonly operation: string;
  readonly carryOut: () => Promise<unknown>;
}

/**
 * The store as one process reaches it: every call is carried out later, and answered later still. It may fail before
 * anything was written, or after, and what was on its way when the process died may yet be carried out, unheard.
 */
export class FaultyStore {
  readonly store: Store;
  readonly #options: FaultyStoreOptions;
  readonly #sent = new Set<Sent>();
  #isDead = false;

  constructor(store: Store, options: FaultyStoreOptions) {
    this.#options = options;
    this.store = interceptStore(store, (operation, run) => this.#call(operation, run));
  }

  /** Calls that were not answered. */
  get inFlight(): number {
    return this.#sent.size;
  }

  /** The process died. */
  kill(): void {
    this.#isDead = true;
    const { choices, trace } = this.#options;
    for (const { operation, carryOut } of this.#sent) {
      if (!choices.chance(0.5)) continue;
      trace.add(`posthumous ${operation}`);
      trace.count('committed after the process died');
      carryOut().catch(() => {});
    }
  }

  async #call(operation: string, run: () => Promise<unknown>): Promise<unknown> {
    if (operation === 'close') return run();
    const { choices, trace } = this.#options;
    const sent: Sent = { operation, carryOut: run };
    this.#sent.add(sent);
    await this.#way();
    this.#sent.delete(sent);
    if (this.#fails(operation)) {
      trace.add(`failed ${operation}`);
      trace.count('call failed');
      throw storeAway(operation);
    }
    const outcome = await run().then(
      (value) => ({ kind: 'value', value }) as const,
      (error: unknown) => ({ kind: 'error', error }) as const,
    );
    trace.add(`did ${operation} ${outcome.kind}`);
    if (!this.#isDead) this.#options.carriedOut(operation);
    const isUnheard = this.#options.weather.unheard && choices.chance(0.5);
    await this.#way();
    if (outcome.kind === 'error') throw outcome.error;
    if (isUnheard) {
      trace.count('commit unheard');
      throw storeAway(operation);
    }
    return outcome.value;
  }

  /** Resolves when a call or an answer has arrived; never, once the process is dead. */
  async #way(): Promise<void> {
    const { time, choices, weather } = this.#options;
    const slowness = weather.slow ? 400 : 1;
    await time.pause(choices.fraction() * 3 * slowness);
    if (this.#isDead) await new Promise<never>(() => {});
  }

  #fails(operation: string): boolean {
    const { weather, choices } = this.#options;
    if (weather.away || (weather.deafHeartbeats && operation === 'heartbeat')) return true;
    if (weather.historyAway && operation === 'ingest') return true;
    return weather.faultRate > 0 && choices.chance(weather.faultRate);
  }
}
