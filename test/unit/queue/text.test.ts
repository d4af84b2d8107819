import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { composeMediaText, tooManyPendingWords } from '../../../src/queue/text.ts';
import { naiveMediaText } from '../../support/naive-queue.ts';

const anyText = fc.string({ unit: fc.constantFrom('a', ' ', ']', '😀', '\uD83D', '\uDE00'), maxLength: 20 });
const anyMax = fc.integer({ min: 1, max: 30 });

describe('the text of media', () => {
  test('is the words in brackets, then the caption', () => {
    expect(composeMediaText('a cat', 'look', 100)).toBe('[a cat] look');
  });

  test('ends with the bracket when there is no caption', () => {
    expect(composeMediaText('a cat', '', 100)).toBe('[a cat]');
  });

  test('loses words first', () => {
    expect(composeMediaText('a cat', 'look', 9)).toBe('[a ] look');
  });

  test('loses no half of an emoji', () => {
    expect(composeMediaText('a😀', 'look', 9)).toBe('[a] look');
  });

  test('is cut as a whole when caption and brackets alone are too long', () => {
    expect(composeMediaText('a cat', 'look', 5)).toBe('[] lo');
    expect(composeMediaText('a cat', '', 1)).toBe('[');
  });

  test('agrees with dropping one character of the words after the other', () => {
    fc.assert(
      fc.property(anyText, anyText, anyMax, (words, caption, max) => {
        expect(composeMediaText(words, caption, max)).toBe(naiveMediaText(words, caption, max));
      }),
    );
  });

  test('says which kind of media was one too many', () => {
    expect(tooManyPendingWords('image/webp')).toBe('Unprocessed sticker media: too many pending');
  });
});
