import type { ClientSession, MongoClient, TransactionOptions } from 'mongodb';
import PQueue from 'p-queue';
import type { Clock } from '../../base/clock.ts';
import { pause, withDeadline } from '../../base/deadlines.ts';
import { DragomanError, hasCode } from '../../base/errors.ts';
import { Lanes } from '../../base/lanes.ts';
import { storeClosed } from '../refusals.ts';
import { type Attempt, type Coalescible, Coalescing } from './coalescing.ts';
import {
  type Collections,
  NUMBERS_PER_OWNER,
  type ReadableCollections,
  type WorkCollections,
} from './collections.ts';
import { isAnswer, isDuplicateKey, isTransient, isUnknownCommit, storeFailure } from './mongo-errors.ts';
import type { Ownership } from './ownership.ts';
import { GivenUpSessions } from './open-transactions.ts';

/**
 * What an operation begins with: a session with an open transaction, for every call that it makes. It reads; what lets it
 * write is in operations/writing.ts alone.
 */
export interface Transaction {
  readonly collections: ReadableCollections;
  readonly session: ClientSession;
  /** This owner's fencing token. */
  readonly fence: number;
  /** A number above all that this owner and those before it were given. */
  readonly nextSeq: () => number;
}

/** One that may change jobs, and the turns of those that may be claimed. */
export interface WorkTransaction extends Transaction {
  readonly collections: WorkCollections;
}

/** One that has written that this is still the owner. */
export interface OwnerTransaction extends WorkTransaction {
  readonly collections: Collections;
}

/** Makes one call of a kind that is carried out together with others. */
export type Coalesced<Item, T> = (lanes: readonly string[], item: Item) => Promise<T>;

/** One operation. */
export type Work<T> = (transaction: Transaction) => Promise<T>;

export interface TransactionsOptions {
  readonly client: MongoClient;
  readonly collections: Collections;
  readonly clock: Clock;
  readonly fence: number;
  /** The first of the numbers that `nextSeq` gives. Default 0. */
  readonly firstNumber?: number;
  /** Asked before each call and each commit: what is not this process's to write is refused. */
  readonly ownership?: Pick<Ownership, 'expectOwned'>;
  /** Ends the transactions of processes that are gone, which stand in the way of all others. */
  readonly endAbandoned: () => Promise<void>;
  /** By when a call has ended, whatever the server does. */
  readonly callDeadlineMs: number;
}

/** Transactions at a time, and connections. More of them only wait for each other at the server. */
export const MAX_IN_FLIGHT = 16;

const OPTIONS: TransactionOptions = {
  readConcern: { level: 'snapshot' },
  writeConcern: { w: 'majority' },
  readPreference: 'primary',
};
const FIRST_BACK_OFF_MS = 2;
const LONGEST_BACK_OFF_MS = 250;
/** Of calls that are carried out together, before they are done alone. */
const MOST_TOGETHER_ATTEMPTS = 4;
const TOGETHER_BACK_OFF_MS = 5;
const COMMIT_AGAIN_AFTER_MS = 50;
/** A transaction that is in another one's way so long may have met a dead process's. */
const SUSPICIOUS_AFTER_MS = 250;
const LOOK_FOR_ABANDONED_EVERY_MS = 1_000;
/** A key that is refused so often was not a race with another writer. */
const MAX_DUPLICATE_KEYS = 3;

/**
 * Runs the store's operations as transactions, by the driver's guide
 * (https://www.mongodb.com/docs/manual/core/transactions-in-applications/).
 *   T1 A call ends by its deadline. Past it, it rejects with `store_unavailable`, and no attempt or commit begins.
 *   T2 Calls that share a lane run one after another, in the order of the calls; transactions that share a pool, one
 *      after another.
 *   T3 What is known not to have happened is tried again; a commit of unknown outcome is only ever repeated as it is.
 *   T4 A transaction that a broken connection left open at the server is ended before the next one begins.
 *   T5 One that a dead process left open is ended as soon as it stands in another one's way.
 *   T6 Nothing is begun or committed by an owner whose lease may have ended.
 *   T7 Calls of one kind that wait at the same time may share a transaction (coalescing.ts).
 */
export class Transactions {
  readonly collections: Collections;
  readonly nextSeq: Transaction['nextSeq'];
  readonly #client: MongoClient;
  readonly #clock: Clock;
  readonly #callDeadlineMs: number;
  readonly #context: Omit<Transaction, 'session'>;
  readonly #lanes = new Lanes();
  /** Entered within the lanes, never the other way round: so nobody waits for somebody who waits for him. */
  readonly #pools = new Lanes();
  readonly #limit = new PQueue({ concurrency: MAX_IN_FLIGHT });
  readonly #givenUp: GivenUpSessions;
  readonly #calls = new Set<Promise<unknown>>();
  readonly #endAbandoned: () => Promise<void>;
  readonly #ownership: TransactionsOptions['ownership'];
  #lookedForAbandonedAt = Number.NEGATIVE_INFINITY;
  #isClosed = false;

  constructor(options: TransactionsOptions) {
    const { client, collections, clock, fence, firstNumber = 0, endAbandoned, callDeadlineMs } = options;
    this.#client = client;
    this.#clock = clock;
    this.#callDeadlineMs = callDeadlineMs;
    this.#givenUp = new GivenUpSessions(client);
    this.#endAbandoned = endAbandoned;
    this.#ownership = options.ownership;
    this.collections = collections;
    let count = firstNumber;
    this.nextSeq = () => fence * NUMBERS_PER_OWNER + count++;
    this.#context = { collections, fence, nextSeq: this.nextSeq };
  }

  /**
   * Runs `work` in a transaction, once nothing else of `lanes` and of `pools` runs. It may run several times, and commits
   * once.
   */
  run<T>(lanes: readonly string[], work: Work<T>, pools: readonly string[] = []): Promise<T> {
    return this.#call((signal) => this.#lanes.run(lanes, () => this.#inPools(pools, work, signal)));
  }

  /**
   * Carries out the calls of one kind that wait at the same time together, each once nothing else of its lanes runs.
   * Returns how to make such a call.
   */
  coalesce<Item, T>(kind: Coalescible<Item, T>): Coalesced<Item, T> {
    const coalescing = new Coalescing(kind, {
      attempt: (pools, work, signal) =>
        this.#pools.run(pools, () => this.#limit.add(() => this.#together(work, signal))),
      run: (pools, work, signal) => this.#inPools(pools, work, signal),
    });
    return (lanes, item) =>
      this.#call((signal) => this.#lanes.run(lanes, () => coalescing.run(item, signal)));
  }

  /** Reads, without a transaction. */
  read<T>(work: (collections: ReadableCollections) => Promise<T>): Promise<T> {
    return this.#call(() => work(this.collections));
  }

  /** Resolves when everything that was begun has ended. Calls from now on are refused. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#calls);
    await this.#givenUp.end();
  }

  async #call<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#isClosed) throw storeClosed();
    this.#ownership?.expectOwned();
    const call = withDeadline(this.#clock, this.#callDeadlineMs, work);
    this.#calls.add(call);
    try {
      return await call;
    } catch (error) {
      throw storeFailure(error);
    } finally {
      this.#calls.delete(call);
    }
  }

  #inPools<T>(pools: readonly string[], work: Work<T>, signal: AbortSignal): Promise<T> {
    return this.#pools.run(pools, () => this.#inSession(work, signal));
  }

  #inSession<T>(work: Work<T>, signal: AbortSignal): Promise<T> {
    return this.#limit.add(() =>
      this.#client.withSession((session) => this.#untilCommitted(session, work, signal)),
    );
  }

  /**
   * Attempts after which only an unknown outcome is a failure: more than one where another process's transaction was in the
   * way, for the calls of many would only meet it again one by one.
   */
  #together<T>(work: Work<T>, signal: AbortSignal): Promise<Attempt<T>> {
    return this.#client.withSession(async (session) => {
      for (let attemptsLeft = MOST_TOGETHER_ATTEMPTS; ; attemptsLeft -= 1) {
        try {
          await this.#givenUp.end();
          return { kind: 'committed', value: await this.#attempt(session, work, signal) };
        } catch (error) {
          // Its transaction may still be open at the server.
          if (!isAnswer(error)) this.#givenUp.add(session);
          if (hasCode(error, 'store_unavailable')) throw error;
          if (!isAnswer(error) || !isTransient(error) || attemptsLeft === 1) return { kind: 'undone' };
        }
        await pause(this.#clock, Math.random() * TOGETHER_BACK_OFF_MS, signal).catch(() => undefined);
        if (signal.aborted) return { kind: 'undone' };
      }
    });
  }

  async #untilCommitted<T>(session: ClientSession, work: Work<T>, signal: AbortSignal): Promise<T> {
    try {
      let duplicateKeys = 0;
      const startedAt = this.#clock.now();
      for (let backOffMs = FIRST_BACK_OFF_MS; ; backOffMs = Math.min(backOffMs * 2, LONGEST_BACK_OFF_MS)) {
        signal.throwIfAborted();
        await this.#givenUp.end();
        try {
          return await this.#attempt(session, work, signal);
        } catch (error) {
          if (isDuplicateKey(error)) duplicateKeys += 1;
          const isRace = isDuplicateKey(error) && duplicateKeys < MAX_DUPLICATE_KEYS;
          if (!isRace && !isTransient(error)) throw error;
        }
        if (this.#clock.now() - startedAt > SUSPICIOUS_AFTER_MS) await this.#lookForAbandoned();
        await pause(this.#clock, Math.random() * backOffMs, signal);
      }
    } catch (error) {
      const failure = storeFailure(error);
      if (hasCode(failure, 'store_unavailable')) this.#givenUp.add(session);
      throw failure;
    }
  }

  /** Never rejects: a server that does not let them be ended ends them itself after a while. */
  async #lookForAbandoned(): Promise<void> {
    const now = this.#clock.now();
    if (now - this.#lookedForAbandonedAt < LOOK_FOR_ABANDONED_EVERY_MS) return;
    this.#lookedForAbandonedAt = now;
    await this.#endAbandoned();
  }

  async #attempt<T>(session: ClientSession, work: Work<T>, signal: AbortSignal): Promise<T> {
    session.startTransaction(OPTIONS);
    try {
      const result = await work({ ...this.#context, session });
      // Work that wants nothing written has rolled it back itself.
      if (session.inTransaction()) await this.#commit(session, signal);
      return result;
    } catch (error) {
      if (session.inTransaction()) await session.abortTransaction();
      throw error;
    }
  }

  async #commit(session: ClientSession, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.#ownership?.expectOwned();
    for (;;) {
      try {
        await session.commitTransaction();
        return;
      } catch (error) {
        if (!isUnknownCommit(error)) throw error;
      }
      await pause(this.#clock, COMMIT_AGAIN_AFTER_MS, signal).catch((cause: unknown) => {
        throw new DragomanError('store_unavailable', 'expected a commit to be answered, got no answer', {
          cause,
        });
      });
    }
  }
}
