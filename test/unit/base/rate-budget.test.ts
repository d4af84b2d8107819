import { describe, expect, test } from 'vitest';
import { RateBudget } from '../../../src/base/rate-budget.ts';

describe('RateBudget', () => {
  test('R1: in any period no more than the most is granted', () => {
    const budget = new RateBudget({ most: 2, periodMs: 1_000 });
    expect([0, 400, 800, 999].map((now) => budget.spend(now))).toEqual([true, true, false, false]);
    expect([1_000, 1_200, 1_400].map((now) => budget.spend(now))).toEqual([true, false, true]);
  });

  test('R1: a most of zero grants nothing', () => {
    expect(new RateBudget({ most: 0, periodMs: 1_000 }).spend(0)).toBe(false);
  });
});
