import { describe, expect, test } from 'vitest';
import { DragomanError } from '../../../src/base/errors.ts';
import { DEFAULT_RETRY, decideRetry, isRetryableFailure } from '../../../src/jobs/retry.ts';

const policy = { maxAttempts: 4, firstDelayMs: 1_000, longestDelayMs: 3_000 };
const error = (fields: object): Error => Object.assign(new Error('failed'), fields);

describe('back-off', () => {
  test('doubles with each attempt up to its longest', () => {
    const delays = [1, 2, 3].map((attempts) => decideRetry(policy, attempts, 1));
    expect(delays).toEqual([
      { kind: 'retry', delayMs: 1_000 },
      { kind: 'retry', delayMs: 2_000 },
      { kind: 'retry', delayMs: 3_000 },
    ]);
  });

  test('is never less than half of itself', () => {
    expect(decideRetry(policy, 1, 0)).toEqual({ kind: 'retry', delayMs: 500 });
  });

  test('ends with the last attempt', () => {
    expect(decideRetry(policy, 4, 0)).toEqual({ kind: 'exhausted' });
    expect(decideRetry(policy, 9, 0)).toEqual({ kind: 'exhausted' });
  });

  test('allows three attempts unless configured', () => {
    expect(decideRetry(DEFAULT_RETRY, 2, 0).kind).toBe('retry');
    expect(decideRetry(DEFAULT_RETRY, 3, 0).kind).toBe('exhausted');
  });
});

describe('a failure is retryable', () => {
  test.each([
    ['an HTTP 429', error({ status: 429 })],
    ['an HTTP 500', error({ status: 500 })],
    ['an HTTP 503 by its other name', error({ statusCode: 503 })],
    ['an HTTP 408', error({ status: 408 })],
    ['an HTTP 425', error({ status: 425 })],
    ['an HTTP 599', error({ status: 599 })],
    ['a failed fetch, by its cause', new TypeError('fetch failed', { cause: error({ code: 'ENOTFOUND' }) })],
    ['a process without a file handle left', error({ code: 'EMFILE' })],
    ['one that says so', error({ retryable: true })],
    ['a DragomanError of such a code', new DragomanError('processing_retryable', 'busy')],
    ['a thrown object that is no Error', { status: 502 }],
  ])('%s', (_, thrown) => {
    expect(isRetryableFailure(thrown)).toBe(true);
  });
});

test.each([
  'EMFILE',
  'ENFILE',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_SOCKET',
])('what Node calls %s may pass', (code) => {
  expect(isRetryableFailure(error({ code }))).toBe(true);
});

describe('a failure is final', () => {
  const circular = error({});
  circular.cause = circular;

  test.each([
    ['an HTTP 400', error({ status: 400 })],
    ['a number beyond HTTP', error({ status: 600 })],
    ['a missing file', error({ code: 'ENOENT' })],
    ['a bug', new TypeError('x is not a function')],
    ['a DragomanError of such a code', new DragomanError('processing_failed', 'no')],
    [
      'one that says so, whatever caused it',
      new DragomanError('processing_failed', 'no', { cause: error({ status: 503 }) }),
    ],
    ['a string', 'ECONNRESET'],
    ['undefined', undefined],
    ['null', null],
    ['an error that caused itself', circular],
  ])('%s', (_, thrown) => {
    expect(isRetryableFailure(thrown)).toBe(false);
  });
});
