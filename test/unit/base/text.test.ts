import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cutText } from '../../../src/base/text.ts';
import { naiveCut } from '../../support/naive-queue.ts';

const anyText = fc.string({ unit: fc.constantFrom('a', ' ', ']', '😀', '\uD83D', '\uDE00'), maxLength: 20 });
const anyMax = fc.integer({ min: 1, max: 30 });

describe('cutting a text', () => {
  test('leaves a text that fits as it is', () => {
    expect(cutText('four', 4)).toBe('four');
  });

  test('keeps the front', () => {
    expect(cutText('fourth', 4)).toBe('four');
  });

  test('takes one unit less where the cut would split an emoji', () => {
    expect(cutText('ab😀', 3)).toBe('ab');
    expect(cutText('😀', 1)).toBe('');
    expect(cutText('ab😀c', 4)).toBe('ab😀');
  });

  test('cuts beside a surrogate that has no partner', () => {
    expect(cutText('a\uD83Dbc', 2)).toBe('a\uD83D');
    expect(cutText('ab\uDE00', 2)).toBe('ab');
  });

  test('does not keep the rest of a long text in memory', () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const heapAfterCollection = (): number => {
      collect();
      return process.memoryUsage().heapUsed;
    };
    const length = 1_000_000;
    const longText = (index: number): string =>
      JSON.parse(JSON.stringify('x'.repeat(length) + index)) as string;
    const before = heapAfterCollection();
    const kept = Array.from({ length: 20 }, (_, index) => cutText(longText(index), 700));
    expect(heapAfterCollection() - before).toBeLessThan(5 * length);
    expect(kept).toHaveLength(20);
  });

  test('agrees with counting whole characters', () => {
    fc.assert(
      fc.property(anyText, anyMax, (text, max) => {
        expect(cutText(text, max)).toBe(naiveCut(text, max));
      }),
    );
  });
});
