import { describe, expect, test } from 'vitest';
import {
  DEFAULT_LIMITS,
  limitsProblems,
  maxAgeMs,
  maxMediaTextSize,
  maxTextSize,
} from '../../../src/queue/limits.ts';

const fields = Object.keys(DEFAULT_LIMITS);

describe('limits', () => {
  test('that are the defaults have no problems', () => {
    expect(limitsProblems(DEFAULT_LIMITS)).toEqual([]);
  });

  test.each(fields)('below the least %s are refused', (field) => {
    const least = field === 'maxPlaceholders' ? 0 : 1;
    expect(limitsProblems({ ...DEFAULT_LIMITS, [field]: least })).toEqual([]);
    expect(limitsProblems({ ...DEFAULT_LIMITS, [field]: least - 1 })).toEqual([
      `expected ${field} of at least ${least}, got ${least - 1}`,
    ]);
  });

  test.each(fields)('whose %s is no number are refused', (field) => {
    expect(limitsProblems({ ...DEFAULT_LIMITS, [field]: Number.NaN })).toHaveLength(1);
    expect(limitsProblems({ ...DEFAULT_LIMITS, [field]: Number.POSITIVE_INFINITY })).toHaveLength(1);
  });

  test('may have a fraction of a day, but not of a message', () => {
    expect(limitsProblems({ ...DEFAULT_LIMITS, maxDays: 1.5 })).toEqual([]);
    expect(limitsProblems({ ...DEFAULT_LIMITS, maxMessages: 1.5 })).toHaveLength(1);
  });

  test('report every problem', () => {
    expect(limitsProblems({ ...DEFAULT_LIMITS, maxMessages: 0, maxCharacters: 0 })).toHaveLength(2);
  });

  test('turn into what the queue counts with', () => {
    const limits = { ...DEFAULT_LIMITS, maxDays: 1.5, maxCharacters: 1_000, maxCharactersSingleMessage: 700 };
    expect(maxAgeMs(limits)).toBe(36 * 3_600_000);
    expect(maxTextSize(limits)).toBe(700);
    expect(maxMediaTextSize(limits)).toBe(1_000);
  });
});
