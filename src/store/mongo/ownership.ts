import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Timer } from '../../base/clock.ts';
import { withDeadline } from '../../base/deadlines.ts';
import { describeError, DragomanError } from '../../base/errors.ts';
import { SERVER_NOW } from './collections.ts';
import { type BidOptions, type BidWish, FREE, LEASE_MS, OwnershipBid, type Taken } from './ownership-bid.ts';

/** How a process becomes the store's one active owner, and for how long. */
export interface OwnershipWish extends BidWish {
  /** Another process has taken the store over: nothing is written any more, and this process is to end. Told once. */
  readonly lost: (error: DragomanError) => void;
}

export interface OwnershipOptions extends OwnershipWish, BidOptions {}

const RENEW_EVERY_MS = 3_000;
/** A renewal that gets no answer leaves time for others before the lease ends. */
const RENEWAL_DEADLINE_MS = 2_000;
const RENEW_AGAIN_AFTER_MS = 500;

/**
 * The lease that makes one process the store's active owner, and its fencing token.
 *   O1 A lease that is live by the server's clock is nobody else's to take. Each that is taken has a fence above all others.
 *   O2 An owner writes only while its last renewal, counted from before it was sent, is younger than the lease: one that
 *      slept through it writes nothing before it has asked.
 *   O3 An owner that finds another one has lost the store for good.
 *   O4 A released lease is free at once, and stays so: a renewal that was on its way finds nobody holding it.
 */
export class Ownership {
  readonly fence: number;
  readonly #options: OwnershipOptions;
  readonly #holder: string;
  #validUntil: number;
  #timer: Timer | null = null;
  #lost: DragomanError | null = null;
  #isReleased = false;

  private constructor(options: OwnershipOptions, holder: string, { fence, takenAt }: Taken) {
    this.#options = options;
    this.#holder = holder;
    this.fence = fence;
    this.#validUntil = takenAt + LEASE_MS;
    this.#renewIn(RENEW_EVERY_MS);
  }

  /** Resolves when the store is this process's. */
  static async take(options: OwnershipOptions): Promise<Ownership> {
    const holder = `${hostname()} (process ${process.pid}, ${randomUUID()})`;
    const bid = new OwnershipBid(options, holder);
    try {
      return new Ownership(options, holder, await bid.won());
    } catch (error) {
      await bid.withdraw();
      throw error;
    }
  }

  /** Throws `fenced` when the store is another's, `store_unavailable` while that is not known. */
  expectOwned(): void {
    if (this.#lost !== null) throw this.#lost;
    if (this.#isReleased || this.#options.clock.now() < this.#validUntil) return;
    throw new DragomanError('store_unavailable', 'the lease on the store ended before it could be renewed');
  }

  /** Leaves the store to whoever waits. Never rejects: a lease that cannot be released ends by itself. */
  async release(): Promise<void> {
    this.#isReleased = true;
    this.#timer?.cancel();
    const { meta, log } = this.#options;
    try {
      await meta.updateOne(this.#mine, FREE);
    } catch (error) {
      log.warn({ reason: describeError(error) }, 'the lease on the store ends by itself');
    }
  }

  get #mine() {
    return { _id: 'owner', value: this.fence, holder: this.#holder } as const;
  }

  #renewIn(ms: number): void {
    if (!this.#isReleased) this.#timer = this.#options.clock.schedule(ms, () => void this.#renew());
  }

  async #renew(): Promise<void> {
    const { clock, meta, log } = this.#options;
    const askedAt = clock.now();
    try {
      const { matchedCount } = await withDeadline(clock, RENEWAL_DEADLINE_MS, () =>
        meta.updateOne(this.#mine, [{ $set: { lease_expires_at: { $add: [SERVER_NOW, LEASE_MS] } } }]),
      );
      if (matchedCount === 0) return await this.#lose();
      this.#validUntil = askedAt + LEASE_MS;
      this.#renewIn(RENEW_EVERY_MS);
    } catch (error) {
      log.warn({ reason: describeError(error) }, 'the lease on the store could not be renewed');
      this.#renewIn(RENEW_AGAIN_AFTER_MS);
    }
  }

  async #lose(): Promise<void> {
    if (this.#isReleased) return;
    const { meta, log, lost } = this.#options;
    const owner = await meta.findOne({ _id: 'owner' }).catch(() => null);
    const by = owner?.holder ?? 'another process';
    this.#lost = new DragomanError(
      'fenced',
      `the backend on ${by} has taken the store over, as owner ${owner?.value ?? '?'}: this one, owner ${this.fence}, writes nothing more`,
    );
    log.error({ fence: this.fence, owner: owner?.value ?? null }, this.#lost.message);
    lost(this.#lost);
  }
}
