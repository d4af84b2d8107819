import type { Transaction, Work } from './transactions.ts';

/** How calls of one kind are carried out: many in one transaction, or one in one of its own. */
export interface Coalescible<Item, T> {
  /**
   * The outcomes of `items`, in their order; what it leaves to be done alone must not have been written.
   * The items are of different lanes.
   */
  together(transaction: Transaction, items: readonly Item[]): Promise<readonly Outcome<T>[]>;
  alone(item: Item): Work<T>;
  /**
   * The pools in whose order of service it takes part. Transactions that share one wait for each other, so that calls with
   * pools are carried out by one at a time: those that come meanwhile make a larger one.
   */
  poolsOf?(item: Item): readonly string[];
}

export type Outcome<T> = { readonly kind: 'done'; readonly value: T } | { readonly kind: 'alone' };

export type Attempt<T> =
  | { readonly kind: 'committed'; readonly value: T }
  /** Nothing of it is there. */
  | { readonly kind: 'undone' };

/** What carries out transactions. Both reject with `store_unavailable` when nobody knows whether they happened. */
export interface Runner {
  /** Tries once; what is undone may be tried again. */
  attempt<T>(pools: readonly string[], work: Work<T>, signal: AbortSignal): Promise<Attempt<T>>;
  /** Tries until it happens, fails for good or is out of time. */
  run<T>(pools: readonly string[], work: Work<T>, signal: AbortSignal): Promise<T>;
}

interface Waiting<Item, T> extends PromiseWithResolvers<T> {
  readonly item: Item;
  readonly signal: AbortSignal;
}

/** A transaction holds so many calls that one slow document keeps few of them waiting. */
const MOST_TOGETHER = 32;
/** While so many transactions are under way, calls gather for the next. */
const MOST_TRANSACTIONS = 3;

/**
 * Carries out the calls that wait at the same time as one transaction: some statements and one commit for all.
 *   C1 Each call has its own outcome, and all or nothing of it is there: all of it, with that of its neighbours.
 *   C2 What is known not to have happened together is done alone, once for each call: no call fails for another's sake.
 *   C3 When nobody knows whether it happened, each of its calls is told so.
 *   C4 A call that nobody waits beside is a transaction of its own.
 *   C5 A call whose deadline passed while it waited is never carried out.
 */
export class Coalescing<Item, T> {
  readonly #kind: Coalescible<Item, T>;
  readonly #runner: Runner;
  readonly #most: number;
  #waiting: Waiting<Item, T>[] = [];
  #underWay = 0;
  #isScheduled = false;

  constructor(kind: Coalescible<Item, T>, runner: Runner) {
    this.#kind = kind;
    this.#runner = runner;
    this.#most = kind.poolsOf === undefined ? MOST_TRANSACTIONS : 1;
  }

  run(item: Item, signal: AbortSignal): Promise<T> {
    const call = { ...Promise.withResolvers<T>(), item, signal };
    this.#waiting.push(call);
    this.#schedule();
    return call.promise;
  }

  /** What else comes in this tick comes along. */
  #schedule(): void {
    if (this.#isScheduled || this.#underWay >= this.#most || this.#waiting.length === 0) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      const calls = this.#nextCalls();
      this.#underWay += 1;
      void this.#carryOut(calls).finally(() => {
        this.#underWay -= 1;
        this.#schedule();
      });
      this.#schedule();
    });
  }

  /** A call whose deadline has passed while it waited would only keep its neighbours from being committed. */
  #nextCalls(): readonly Waiting<Item, T>[] {
    for (const { signal, reject } of this.#waiting) if (signal.aborted) reject(signal.reason);
    this.#waiting = this.#waiting.filter(({ signal }) => !signal.aborted);
    return this.#waiting.splice(0, MOST_TOGETHER);
  }

  /** Never rejects. */
  async #carryOut(calls: readonly Waiting<Item, T>[]): Promise<void> {
    const [first, ...others] = calls;
    if (first === undefined) return;
    if (others.length === 0) {
      await this.#alone(first);
      return;
    }
    try {
      const items = calls.map(({ item }) => item);
      const signal = AbortSignal.any(calls.map((call) => call.signal));
      const attempt = await this.#runner.attempt(
        [...new Set(items.flatMap((item) => this.#poolsOf(item)))],
        (transaction) => this.#kind.together(transaction, items),
        signal,
      );
      const outcomes = attempt.kind === 'committed' ? attempt.value : [];
      await Promise.all(
        calls.map(async (call, index) => {
          const outcome = outcomes[index];
          if (outcome?.kind === 'done') call.resolve(outcome.value);
          else await this.#alone(call);
        }),
      );
    } catch (error) {
      for (const call of calls) call.reject(error);
    }
  }

  async #alone({ item, signal, resolve, reject }: Waiting<Item, T>): Promise<void> {
    try {
      resolve(await this.#runner.run(this.#poolsOf(item), this.#kind.alone(item), signal));
    } catch (error) {
      reject(error);
    }
  }

  #poolsOf(item: Item): readonly string[] {
    return this.#kind.poolsOf?.(item) ?? [];
  }
}
