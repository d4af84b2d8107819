import { describe, expect, test } from 'vitest';
import { RestartBudget } from '../../../../src/actors/kit/restart-budget.ts';

describe('RestartBudget', () => {
  test('R1: in any period at most the intensity is granted', () => {
    const budget = new RestartBudget({ intensity: 2, periodMs: 1_000 });
    expect([0, 400, 800, 999].map((now) => budget.spend(now))).toEqual([true, true, false, false]);
    expect([1_000, 1_200, 1_400].map((now) => budget.spend(now))).toEqual([true, false, true]);
  });

  test('R1: an intensity of zero grants nothing', () => {
    expect(new RestartBudget({ intensity: 0, periodMs: 1_000 }).spend(0)).toBe(false);
  });
});
