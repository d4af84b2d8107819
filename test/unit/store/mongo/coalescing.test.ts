import { describe, expect, test } from 'vitest';
import { DragomanError } from '../../../../src/base/errors.ts';
import { type Attempt, type Coalescible, Coalescing } from '../../../../src/store/mongo/coalescing.ts';
import type { Transaction, Work } from '../../../../src/store/mongo/transactions.ts';

type Item = string;
const signal = new AbortController().signal;
const nextTick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A kind of call that is answered with its own name; names that begin with `odd` must be alone. */
class Transactions {
  /** What was carried out together, and alone. */
  readonly done: string[] = [];
  readonly #fates: ('undone' | 'unknown')[];
  readonly #gate: Promise<void>;
  readonly #coalescing: Coalescing<Item, string>;

  constructor({
    fates = [],
    gate = Promise.resolve(),
  }: Partial<{ fates: ('undone' | 'unknown')[]; gate: Promise<void> }> = {}) {
    this.#fates = fates;
    this.#gate = gate;
    const kind: Coalescible<Item, string> = {
      together: async (_, items) => {
        await this.#gate;
        this.done.push(items.join('+'));
        return items.map((item) =>
          item.startsWith('odd') ? { kind: 'alone' } : { kind: 'done', value: item },
        );
      },
      alone: (item) => async () => {
        await this.#gate;
        this.done.push(item);
        if (item.endsWith('bad')) throw new DragomanError('not_found', item);
        return item;
      },
    };
    this.#coalescing = new Coalescing(kind, {
      attempt: (_pools, work) => this.#attempt(work),
      run: (_pools, work) => work(NONE),
    });
  }

  /** One call with a deadline of its own. */
  callUntil(item: Item, deadline: AbortSignal): Promise<string> {
    return this.#coalescing.run(item, deadline);
  }

  call(...items: readonly Item[]): Promise<PromiseSettledResult<string>[]> {
    return Promise.allSettled(items.map((item) => this.#coalescing.run(item, signal)));
  }

  async #attempt<T>(work: Work<T>): Promise<Attempt<T>> {
    const fate = this.#fates.shift();
    if (fate === 'unknown') throw new DragomanError('store_unavailable', 'no answer');
    if (fate === 'undone') return { kind: 'undone' };
    return { kind: 'committed', value: await work(NONE) };
  }
}

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- no work of these tests touches it
const NONE = {} as Transaction;

const outcomes = (results: readonly PromiseSettledResult<string>[]): unknown[] =>
  results.map((result) => (result.status === 'fulfilled' ? result.value : result.reason.code));

describe('calls that wait at the same time', () => {
  test('are carried out as one transaction, each with its own answer', async () => {
    const transactions = new Transactions();
    expect(outcomes(await transactions.call('a', 'b', 'c'))).toEqual(['a', 'b', 'c']);
    expect(transactions.done).toEqual(['a+b+c']);
  });

  test('C4: a call that nobody waits beside is done alone', async () => {
    const transactions = new Transactions();
    expect(outcomes(await transactions.call('a'))).toEqual(['a']);
    expect(transactions.done).toEqual(['a']);
  });

  test('C1: what cannot be done together is done alone, and fails alone', async () => {
    const transactions = new Transactions();
    expect(outcomes(await transactions.call('a', 'odd', 'odd-bad', 'b'))).toEqual([
      'a',
      'odd',
      'not_found',
      'b',
    ]);
    expect(transactions.done).toEqual(['a+odd+odd-bad+b', 'odd', 'odd-bad']);
  });

  test('C2: what is known not to have happened together is done alone, once for each', async () => {
    const transactions = new Transactions({ fates: ['undone'] });
    expect(outcomes(await transactions.call('a', 'bad', 'b'))).toEqual(['a', 'not_found', 'b']);
    expect(transactions.done).toEqual(['a', 'bad', 'b']);
  });

  test('C3: an outcome that nobody knows is told to each, and nothing is done again', async () => {
    const transactions = new Transactions({ fates: ['unknown'] });
    const unavailable = 'store_unavailable';
    expect(outcomes(await transactions.call('a', 'b'))).toEqual([unavailable, unavailable]);
    expect(transactions.done).toEqual([]);
    expect(outcomes(await transactions.call('c', 'd'))).toEqual(['c', 'd']);
  });

  test('C5: a call whose deadline passed while it waited is not carried out, and its neighbours are together', async () => {
    const transactions = new Transactions();
    const deadline = new AbortController();
    const late = transactions.callUntil('late', deadline.signal);
    const others = transactions.call('a', 'b');
    deadline.abort(new DragomanError('deadline_exceeded', 'too late'));
    await expect(late).rejects.toMatchObject({ code: 'deadline_exceeded' });
    expect(outcomes(await others)).toEqual(['a', 'b']);
    expect(transactions.done).toEqual(['a+b']);
  });

  test('while enough transactions are under way, calls gather for the next', async () => {
    const gate = Promise.withResolvers<void>();
    const transactions = new Transactions({ gate: gate.promise });
    const calls = [];
    for (const item of ['a', 'b', 'c', 'd', 'e', 'f']) {
      calls.push(transactions.call(item));
      await nextTick();
    }
    gate.resolve();
    await Promise.all(calls);
    expect(transactions.done).toEqual(['a', 'b', 'c', 'd+e+f']);
  });
});
