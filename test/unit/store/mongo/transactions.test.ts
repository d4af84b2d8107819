import { type MongoClient, MongoErrorLabel, MongoServerError } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../../../src/base/clock.ts';
import type { Collections } from '../../../../src/store/mongo/collections.ts';
import { Transactions } from '../../../../src/store/mongo/transactions.ts';

const CONFLICT = new MongoServerError({ message: 'write conflict', code: 112 });
CONFLICT.addErrorLabel(MongoErrorLabel.TransientTransactionError);
const REFUSAL = new Error('one of them cannot be done so');

/** A client whose transactions all commit. */
const session = {
  startTransaction: () => {},
  inTransaction: () => true,
  commitTransaction: () => Promise.resolve(),
  abortTransaction: () => Promise.resolve(),
};
const client = { withSession: (work: (of: typeof session) => unknown) => work(session) };

/** Makes two calls at once, which fail so when they are carried out together. Returns how it went on. */
async function twoCalls(...failures: readonly Error[]): Promise<readonly string[]> {
  const done: string[] = [];
  const left = [...failures];
  const transactions = new Transactions({
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- all that is used of it
    client: client as unknown as MongoClient,
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- no work of these tests touches them
    collections: {} as Collections,
    clock: systemClock(),
    fence: 1,
    endAbandoned: () => Promise.resolve(),
    callDeadlineMs: 10_000,
  });
  const call = transactions.coalesce<string, string>({
    async together(_, items) {
      done.push(items.join('+'));
      const failure = left.shift();
      if (failure !== undefined) throw failure;
      return items.map((item) => ({ kind: 'done', value: item }));
    },
    alone: (item) => async () => {
      done.push(item);
      return item;
    },
  });
  expect(await Promise.all([call([], 'a'), call([], 'b')])).toEqual(['a', 'b']);
  return done;
}

describe('calls that are carried out together', () => {
  test('stay together when another process’s transaction was in the way', async () => {
    expect(await twoCalls(CONFLICT, CONFLICT)).toEqual(['a+b', 'a+b', 'a+b']);
  });

  test('C2: are done alone when it stays in the way, or when one of them is what failed', async () => {
    const together = ['a+b', 'a+b', 'a+b', 'a+b'];
    expect(await twoCalls(...together.map(() => CONFLICT))).toEqual([...together, 'a', 'b']);
    expect(await twoCalls(REFUSAL)).toEqual(['a+b', 'a', 'b']);
  });
});
