import PQueue from 'p-queue';
import type { Clock, Timer } from '../base/clock.ts';
import { describeError } from '../base/errors.ts';
import type { Guid } from '../base/ids.ts';
import type { Logger } from '../base/log.ts';
import { MINUTE_MS } from '../base/units.ts';
import type { StagingQuota } from '../staging/quota.ts';
import type { StagingFolder } from '../staging/staging-folder.ts';

const RECONCILE_EVERY_MS = MINUTE_MS;
const RECONCILE_AGAIN_MS = 5_000;
const REMOVALS_AT_ONCE = 8;

export interface StagingUpkeepOptions {
  readonly folder: Pick<StagingFolder, 'list' | 'remove'>;
  readonly quota: Pick<StagingQuota, 'reconcile' | 'release'>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Removes what is released, and holds the quota to what is in the folder: from `start` on, again and again. */
export class StagingUpkeep {
  readonly #options: StagingUpkeepOptions;
  readonly #removals = new PQueue({ concurrency: REMOVALS_AT_ONCE });
  #reconciliation: Timer | null = null;
  #closed = false;

  constructor(options: StagingUpkeepOptions) {
    this.#options = options;
  }

  start(): void {
    this.#reconcileIn(RECONCILE_EVERY_MS);
  }

  /** Removes a file, and gives back what was reserved for it, once nobody writes it any more. */
  remove(guid: Guid, stopWriting: () => Promise<unknown>): void {
    const { folder, quota, log } = this.#options;
    void this.#removals.add(async () => {
      try {
        await stopWriting();
        await folder.remove(guid);
        quota.release(guid);
      } catch (error) {
        log.error({ guid, reason: describeError(error) }, 'a released file could not be removed');
      }
    });
  }

  /** Resolves once what was to be removed is. */
  close(): Promise<void> {
    this.#closed = true;
    this.#reconciliation?.cancel();
    return this.#removals.onIdle();
  }

  #reconcileIn(delayMs: number): void {
    this.#reconciliation = this.#options.clock.schedule(delayMs, () => void this.#reconcile());
  }

  async #reconcile(): Promise<void> {
    const { folder, quota, log } = this.#options;
    let nextInMs = RECONCILE_EVERY_MS;
    try {
      await quota.reconcile(() => folder.list());
    } catch (error) {
      nextInMs = RECONCILE_AGAIN_MS;
      log.error(
        { reason: describeError(error) },
        'the staging folder cannot be read now; its last total counts',
      );
    }
    if (!this.#closed) this.#reconcileIn(nextInMs);
  }
}
