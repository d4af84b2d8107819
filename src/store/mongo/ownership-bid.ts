import type { Collection } from 'mongodb';
import type { Clock } from '../../base/clock.ts';
import { pause, untilAborted, withDeadline } from '../../base/deadlines.ts';
import { describeError, DragomanError, hasCode } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { type MetaDocument, SERVER_NOW } from './collections.ts';
import { storeFailure } from './mongo-errors.ts';

/** How a process becomes the store's one active owner. */
export interface BidWish {
  /** What to do while another process is: wait until it ends or dies, or reject with `already_in_use`. */
  readonly whenOwned: 'wait' | 'refuse';
  /** Ends the waiting: it rejects with `aborted`. */
  readonly signal: AbortSignal;
  /** Told once, who is active, when the waiting begins. */
  readonly waiting: (owner: string) => void;
}

export interface BidOptions extends BidWish {
  readonly meta: Collection<MetaDocument>;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface Taken {
  readonly fence: number;
  /** By this process's clock, from before the server was asked. */
  readonly takenAt: number;
}

/** By the server's clock. One that is not renewed for so long is free: with the poll and a start it makes a take-over. */
export const LEASE_MS = 9_000;
/** What is left of a lease that its holder gives up. */
export const FREE = { $set: { lease_expires_at: 0 }, $unset: { holder: 1 } } as const;

const POLL_EVERY_MS = 1_000;
/** While MongoDB is away. */
const LONGEST_POLL_MS = 3_000;
const WITHDRAWAL_DEADLINE_MS = 2_000;

/**
 * One process's tries to take the lease.
 *   A1 A try whose answer was not heard counts all the same: the next one finds the lease to be its own, with its fence.
 *   A2 Whoever stops trying leaves no lease behind, as far as MongoDB can be told soon.
 */
export class OwnershipBid {
  readonly #options: BidOptions;
  readonly #holder: string;
  /** The last try, until its answer is heard. */
  #unheard: Promise<unknown> | null = null;

  constructor(options: BidOptions, holder: string) {
    this.#options = options;
    this.#holder = holder;
  }

  /** Resolves when the lease is taken. Rejects as the wish says. */
  async won(): Promise<Taken> {
    const { meta, whenOwned, signal, waiting } = this.#options;
    await meta.updateOne({ _id: 'owner' }, { $setOnInsert: { value: 0 } }, { upsert: true });
    signal.throwIfAborted();
    const taken = await this.#try();
    if (taken !== null) return taken;
    const owner = (await meta.findOne({ _id: 'owner' }))?.holder ?? 'another process';
    if (whenOwned === 'refuse') {
      throw new DragomanError(
        'already_in_use',
        `the store is in use by the backend on ${owner}: stop it first`,
      );
    }
    waiting(owner);
    return this.#whenFree();
  }

  /** Gives back what a try has taken that was not heard of. Never rejects: such a lease ends by itself. */
  async withdraw(): Promise<void> {
    const unheard = this.#unheard;
    if (unheard === null) return;
    const { meta, clock, log } = this.#options;
    try {
      await withDeadline(clock, WITHDRAWAL_DEADLINE_MS, async () => {
        await unheard;
        await meta.updateOne({ _id: 'owner', holder: this.#holder }, FREE);
      });
    } catch (error) {
      log.warn({ reason: describeError(error) }, 'a lease that may have been taken ends by itself');
    }
  }

  /** Whoever waits has seen the store: that MongoDB is away for a while, as in an election, is no reason to give up. */
  async #whenFree(): Promise<Taken> {
    const { clock, log, signal } = this.#options;
    let isAway = false;
    for (let delayMs = POLL_EVERY_MS; ;) {
      await pause(clock, delayMs, signal);
      try {
        const taken = await this.#try();
        if (isAway) log.info({}, 'MongoDB answers again: still standing by');
        isAway = false;
        delayMs = POLL_EVERY_MS;
        if (taken !== null) return taken;
      } catch (error) {
        signal.throwIfAborted();
        if (!hasCode(storeFailure(error), 'store_unavailable')) throw error;
        if (!isAway) log.warn({ reason: describeError(error) }, 'MongoDB does not answer: still standing by');
        isAway = true;
        delayMs = Math.min(delayMs * 2, LONGEST_POLL_MS);
      }
    }
  }

  async #try(): Promise<Taken | null> {
    const { meta, clock, signal } = this.#options;
    const trying = tryTake(meta, this.#holder, clock);
    this.#unheard = trying.catch(() => {});
    const taken = await untilAborted(trying, signal);
    this.#unheard = null;
    return taken;
  }
}

async function tryTake(meta: Collection<MetaDocument>, holder: string, clock: Clock): Promise<Taken | null> {
  const takenAt = clock.now();
  const isFree = { $lte: [{ $ifNull: ['$lease_expires_at', 0] }, SERVER_NOW] };
  const isMine = { $eq: ['$holder', holder] };
  const owner = await meta.findOneAndUpdate(
    { _id: 'owner', $expr: { $or: [isFree, isMine] } },
    [
      {
        $set: {
          value: { $cond: [isMine, '$value', { $add: ['$value', 1] }] },
          holder,
          lease_expires_at: { $add: [SERVER_NOW, LEASE_MS] },
        },
      },
    ],
    { returnDocument: 'after' },
  );
  return owner && { fence: owner.value, takenAt };
}
