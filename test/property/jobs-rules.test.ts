import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hasCode } from '../../src/base/errors.ts';
import { decideMimeType, MEDIA_HEAD_BYTES } from '../../src/jobs/media-type.ts';
import { DEFAULT_POOLS, type PoolConfig, poolProblems, poolRouter } from '../../src/jobs/pools.ts';
import { decideRetry, isRetryableFailure } from '../../src/jobs/retry.ts';
import { MAX_WORDS_CHARACTERS, readMediaText, untrustedWords } from '../../src/jobs/untrusted-words.ts';
import { failureWords } from '../../src/jobs/words.ts';
import { composeMediaText } from '../../src/queue/text.ts';

const numRuns = process.env['DRAGOMAN_DEEP'] === '1' ? 50_000 : 1_000;

const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom('[', ']', '\uD83D', '\uDE00', 'a', ' ', '\r', '\n') }),
);
const listedType = fc.constantFrom(...DEFAULT_POOLS.flatMap((pool) => pool.mimeTypes));
const magic = fc.constantFrom(
  '\xFF\xD8\xFF',
  'RIFF',
  'OggS',
  '\0\0\0\x20ftyp',
  '\x1A\x45\xDF\xA3',
  'PK\x03\x04',
  '%PDF-',
  '',
);
const head = fc
  .tuple(magic, fc.uint8Array({ maxLength: 64 }))
  .map(([start, rest]) =>
    Uint8Array.from([...Buffer.from(start, 'latin1'), ...rest]).subarray(0, MEDIA_HEAD_BYTES),
  );

describe('the type of a medium', () => {
  test('is decided for any bytes and any word, bare and in lower case', () => {
    fc.assert(
      fc.property(fc.oneof(anyText, listedType), head, (word, bytes) => {
        const decided = decideMimeType(word, bytes);
        expect(decided).not.toBe('');
        expect(decided).toBe(decided.toLowerCase());
        expect(decided).not.toContain(';');
      }),
      { numRuns },
    );
  });

  test('once decided, is not decided otherwise', () => {
    fc.assert(
      fc.property(fc.oneof(anyText, listedType), head, (word, bytes) => {
        const decided = decideMimeType(word, bytes);
        expect(decideMimeType(decided, bytes)).toBe(decided);
      }),
      { numRuns },
    );
  });
});

function isRefused(pools: readonly PoolConfig[]): boolean {
  try {
    poolRouter(pools);
    return false;
  } catch (error) {
    return hasCode(error, 'config_invalid');
  }
}

describe('pools', () => {
  const pool = fc.record({
    name: fc.constantFrom('a', 'b', 'c', ''),
    mimeTypes: fc.array(
      fc.constantFrom('image/png', 'IMAGE/PNG', 'audio/ogg; codecs=opus', 'audio/ogg', 'text/plain'),
      { maxLength: 2 },
    ),
    workers: fc.constantFrom(1, 2, 0, Number.NaN),
    timeoutMs: fc.constantFrom(1, 1_000, -1),
    processor: fc.constant('image'),
  });

  test('make a router exactly when they have no problem', () => {
    fc.assert(
      fc.property(fc.array(pool, { maxLength: 3 }), (pools) => {
        expect(isRefused(pools)).toBe(poolProblems(pools).length > 0);
      }),
      { numRuns },
    );
  });

  test('take any type whatsoever, and listed ones however they are spelled', () => {
    const route = poolRouter(DEFAULT_POOLS);
    fc.assert(
      fc.property(anyText, listedType, fc.boolean(), (text, type, loud) => {
        expect(DEFAULT_POOLS).toContain(route(text));
        const spelled = `${loud ? type.toUpperCase() : type}; ${text}`;
        expect(route(spelled).mimeTypes).toContain(type);
      }),
      { numRuns },
    );
  });
});

describe('retry', () => {
  const policy = fc.record({
    maxAttempts: fc.integer({ min: 1, max: 50 }),
    firstDelayMs: fc.integer({ min: 1, max: 60_000 }),
    longestDelayMs: fc.integer({ min: 1, max: 3_600_000 }),
  });
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

  test('is allowed maxAttempts − 1 times, at most longestDelayMs apart', () => {
    fc.assert(
      fc.property(policy, fc.integer({ min: 1, max: 100 }), random, (rules, attempts, chance) => {
        const decision = decideRetry(rules, attempts, chance);
        expect(decision.kind).toBe(attempts < rules.maxAttempts ? 'retry' : 'exhausted');
        const delayMs = decision.kind === 'retry' ? decision.delayMs : 0;
        expect(delayMs).toBeGreaterThanOrEqual(0);
        expect(delayMs).toBeLessThanOrEqual(rules.longestDelayMs);
      }),
      { numRuns },
    );
  });

  test('is decided for whatever is thrown', () => {
    fc.assert(
      fc.property(fc.anything(), (thrown) => {
        expect(isRetryableFailure(thrown)).toBeTypeOf('boolean');
      }),
      { numRuns },
    );
  });
});

describe('words', () => {
  test('W2, W3: out of any output are clean, bounded, and stay as they are when cleaned again', () => {
    fc.assert(
      fc.property(anyText, (output) => {
        const words = untrustedWords(output);
        expect(words).not.toMatch(/[[\]\r\0]/);
        expect(words.isWellFormed()).toBe(true);
        expect(words.length).toBeLessThanOrEqual(MAX_WORDS_CHARACTERS);
        expect(untrustedWords(words)).toBe(words);
      }),
      { numRuns },
    );
  });

  test('W2: are told from the caption, whatever either says', () => {
    fc.assert(
      fc.property(anyText, anyText, (output, caption) => {
        const words = untrustedWords(output);
        expect(readMediaText(composeMediaText(words, caption, 10_000))).toEqual({ words, caption });
      }),
      { numRuns },
    );
  });

  test('W2: cut short to fit a queue, they hold nothing of the caption', () => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 1, max: 40 }), (output, max) => {
        const words = untrustedWords(output);
        const text = readMediaText(composeMediaText(words, 'caption', max));
        expect(words.startsWith(text?.words ?? 'no words')).toBe(true);
        expect('caption'.startsWith(text?.caption ?? 'no caption')).toBe(true);
      }),
      { numRuns },
    );
  });

  test('for the chat hold nothing of a forged MIME type', () => {
    fc.assert(
      fc.property(anyText, (mimeType) => {
        expect(failureWords('unsupported', mimeType)).toMatch(/^Unsupported [a-z0-9!#$&^_.+/-]+ media$/);
      }),
      { numRuns },
    );
  });
});
