import { expect, test } from 'vitest';
import { batchesOf } from '../../../src/base/batches.ts';

test('everything comes once and in its order, the last batch with what is left', () => {
  expect([...batchesOf([1, 2, 3, 4, 5], 2)]).toEqual([[1, 2], [3, 4], [5]]);
  expect([...batchesOf([1, 2], 2)]).toEqual([[1, 2]]);
  expect([...batchesOf([], 2)]).toEqual([]);
});
