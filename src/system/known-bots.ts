import type { Clock, Timer } from '../base/clock.ts';
import { describeError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { BotStore } from '../store/bot-store.ts';

export interface KnownBotsOptions {
  /** Those of the configuration. */
  readonly configured: readonly string[];
  readonly store: Pick<BotStore, 'bots'>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Linking an account takes longer, and before that there is nothing to work on. */
const LOOK_EVERY_MS = 10_000;

/** The bots that there are, for a process that does not run them: they are added and removed at the backend. */
export class KnownBots {
  readonly #options: KnownBotsOptions;
  readonly #added = new Set<string>();
  #timer: Timer | null = null;
  #isClosed = false;

  private constructor(options: KnownBotsOptions) {
    this.#options = options;
  }

  /** Looks at once and from time to time, until `close`. Never rejects: those of the configuration are known anyhow. */
  static async watch(options: KnownBotsOptions): Promise<KnownBots> {
    const bots = new KnownBots(options);
    await bots.#look();
    return bots;
  }

  ids(): Iterable<string> {
    return [...this.#options.configured, ...this.#added];
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  async #look(): Promise<void> {
    const { store, clock, log } = this.#options;
    try {
      const records = await store.bots();
      this.#added.clear();
      for (const { botId, removed } of records) if (!removed) this.#added.add(botId);
    } catch (error) {
      log.warn({ reason: describeError(error) }, 'which bots there are could not be looked for');
    }
    if (!this.#isClosed) this.#timer = clock.schedule(LOOK_EVERY_MS, () => void this.#look());
  }
}
