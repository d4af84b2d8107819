import type { Completion } from '../actors/completion.ts';
import { describeError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { RunningBot } from './ingress.ts';

export interface SettlementsOptions {
  readonly bots: ReadonlyMap<string, RunningBot>;
  readonly releaseFile: (completion: Completion) => Promise<void>;
  readonly log: Logger;
}

/** A result waits on its job anyhow: this only bounds how long one try to settle it may take. */
const SETTLE_DEADLINE_MS = 600_000;

/**
 * Results on their way from their jobs to their chats.
 *   T1 A result that is not settled, because its bot is not there or cannot, waits on its job for the bot's recovery.
 *   T2 A result that is heard of twice is on its way once.
 *   T3 When `settled` resolves, nothing that was begun before is on its way.
 */
export class Settlements {
  readonly #options: SettlementsOptions;
  /** By GUID and place: a dead letter that is retried has its GUID again. */
  readonly #onTheirWay = new Map<string, Promise<void>>();

  constructor(options: SettlementsOptions) {
    this.#options = options;
  }

  /** False: it is on its way already. */
  begin(completion: Completion): boolean {
    const name = `${completion.guid} ${completion.place}`;
    if (this.#onTheirWay.has(name)) return false;
    this.#onTheirWay.set(
      name,
      this.#settle(completion).finally(() => this.#onTheirWay.delete(name)),
    );
    return true;
  }

  async settled(): Promise<void> {
    await Promise.all(this.#onTheirWay.values());
  }

  async #settle(completion: Completion): Promise<void> {
    const { bots, releaseFile, log } = this.#options;
    await releaseFile(completion);
    try {
      const bot = bots.get(completion.correspondent.botId);
      await bot?.ref.ask('settle', completion, { deadlineMs: SETTLE_DEADLINE_MS });
    } catch (error) {
      log.warn({ guid: completion.guid, reason: describeError(error) }, 'a result waits on its job');
    }
  }
}
