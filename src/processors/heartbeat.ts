import type { Clock, Timer } from '../base/clock.ts';
import { DragomanError, describeError, hasCode } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { ClaimHandle, WorkStore } from '../store/work-store.ts';

export interface HeartbeatOptions {
  readonly store: Pick<WorkStore, 'heartbeat'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly intervalMs: number;
  /** How long each heartbeat prolongs the lease, from the moment it is sent. */
  readonly leaseMs: number;
}

/**
 * Keeps a claim's lease alive from its construction until it is disposed of.
 *   H1 One heartbeat at a time; the next goes out `intervalMs` after the last was answered.
 *   H2 `lost` aborts when the store says that the token is stale, or that another backend owns the store.
 *   H3 A store that cannot be reached ends nothing: the token counts until somebody else takes the job.
 *   H4 Once disposed of it has no timer, and `lost` does not abort any more.
 */
export class Heartbeat implements Disposable {
  readonly #claim: ClaimHandle;
  readonly #options: HeartbeatOptions;
  readonly #lost = new AbortController();
  #timer: Timer;
  #stopped = false;

  constructor(claim: ClaimHandle, options: HeartbeatOptions) {
    this.#claim = claim;
    this.#options = options;
    this.#timer = this.#scheduleNext();
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  [Symbol.dispose](): void {
    this.#stopped = true;
    this.#timer.cancel();
  }

  #scheduleNext(): Timer {
    return this.#options.clock.schedule(this.#options.intervalMs, () => void this.#beat());
  }

  async #beat(): Promise<void> {
    const isOurs = await this.#prolong();
    if (this.#stopped) return;
    if (isOurs) this.#timer = this.#scheduleNext();
    else this.#lost.abort(new DragomanError('aborted', 'the job was taken over: its claim token is stale'));
  }

  async #prolong(): Promise<boolean> {
    const { store, clock, leaseMs, log } = this.#options;
    try {
      return await store.heartbeat(this.#claim, clock.now() + leaseMs);
    } catch (error) {
      if (hasCode(error, 'fenced')) return false;
      log.warn({ guid: this.#claim.guid, err: describeError(error) }, 'heartbeat failed');
      return true;
    }
  }
}
