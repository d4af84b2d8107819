import { describe, expect, test } from 'vitest';
import { DragomanError } from '../../../src/base/errors.ts';
import type { MediaContext, MediaFile, MediaOutcome } from '../../../src/processors/media.ts';
import { claimedJob } from '../../support/claimed-job.ts';
import { endlessProcessor, FunctionProcessor } from '../../support/function-processor.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const file: MediaFile = { path: '/nowhere', bytes: 4, sha256: null };
const never = new AbortController().signal;

function attempt(processor: FunctionProcessor, signal = never, clock = new ManualClock()) {
  return processor.process(claimedJob(), file, { clock, timeoutMs: 1_000 }, signal);
}

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a module in plain JavaScript may return anything
const returning = (outcome: unknown) => new FunctionProcessor(async () => outcome as MediaOutcome);
const throwing = (thrown: unknown) =>
  new FunctionProcessor(() => {
    throw thrown;
  });

const failure = (words: string, code: string, reason: unknown = expect.any(String)) => ({
  kind: 'completed',
  result: { kind: 'failure', words, error: expect.objectContaining({ code, reason }) },
});

describe('P2: what a processor returns', () => {
  test('as a string are words, without blanks around them and brackets in them', async () => {
    expect(await attempt(returning('  a dog [in a box] '))).toEqual({
      kind: 'completed',
      result: { kind: 'words', words: 'a dog ［in a box］' },
    });
  });

  test('as nothing but blanks is said to be nothing', async () => {
    expect(await attempt(returning(' \n '))).toEqual({
      kind: 'completed',
      result: { kind: 'words', words: 'No words found in image media' },
    });
  });

  test('as a failure is told by its code', async () => {
    const encrypted = returning({ kind: 'failure', code: 'unsupported', reason: 'encrypted' });
    expect(await attempt(encrypted)).toEqual(
      failure('Unsupported image/jpeg media', 'unsupported', 'encrypted'),
    );
  });

  test.each([
    [undefined],
    [null],
    [42],
    [{ text: 'a dog' }],
    [{ kind: 'failure', code: 'bored', reason: '' }],
  ])('as %j is a failure', async (returned) => {
    expect(await attempt(returning(returned))).toEqual(failure('Media processing failed', 'failed'));
  });
});

const refusing = (): never => {
  throw new Error('nobody looks at this');
};
const proxy = new Proxy({}, { get: refusing, has: refusing, getPrototypeOf: refusing });
const secretive = Object.defineProperty({}, 'retryable', { get: refusing });

describe('P2: what a processor throws', () => {
  test.each([
    ['an Error', new Error('no decoder'), 'no decoder'],
    ['a string', 'no decoder', 'no decoder'],
    ['undefined', undefined, 'threw a value of type undefined'],
    ['a proxy that throws', proxy, 'threw what cannot be looked at'],
    ['an object with a getter that throws', secretive, 'threw what cannot be looked at'],
    [
      'an Error that such a thing has caused',
      new Error('x', { cause: proxy }),
      'threw what cannot be looked at',
    ],
    ['an object without a prototype', Object.create(null), 'threw a value of type object'],
    [
      'an Error whose message is none',
      Object.assign(new Error('x'), { message: 7 }),
      'threw a value of type number',
    ],
  ])('%s, fails the job', async (_, thrown, reason) => {
    expect(await attempt(throwing(thrown))).toEqual(failure('Media processing failed', 'failed', reason));
  });

  test('keeps its stack for the dead letter, within bounds', async () => {
    const error = Object.assign(new Error('x'.repeat(5_000)), { stack: 's'.repeat(50_000) });
    const outcome = await attempt(throwing(error));
    expect(outcome).toMatchObject({
      result: { error: { reason: 'x'.repeat(1_024), stack: 's'.repeat(8_192) } },
    });
  });

  test('and what may pass by itself, is retryable', async () => {
    expect(await attempt(throwing(new DragomanError('processing_retryable', 'busy')))).toEqual({
      kind: 'retryable',
      error: expect.objectContaining({ code: 'failed', reason: 'busy' }),
    });
  });
});

describe('P1: the deadline', () => {
  test.each([
    ['obeys', true],
    ['ignores', false],
  ])('ends an attempt that %s its signal', async (_, obedient) => {
    const clock = new ManualClock();
    const outcome = attempt(endlessProcessor(obedient), never, clock);
    clock.advance(1_000);
    expect(await outcome).toEqual(failure('Processing timed out', 'timed_out'));
  });

  test('leaves no timer when the attempt ends before it', async () => {
    const clock = new ManualClock();
    await attempt(returning('a dog'), never, clock);
    await attempt(throwing(new Error('no')), never, clock);
    expect(clock.pendingTimers).toBe(0);
  });

  test('does not let a late rejection of abandoned work escape', async () => {
    const clock = new ManualClock();
    const late = Promise.withResolvers<string>();
    const outcome = attempt(new FunctionProcessor(() => late.promise), never, clock);
    clock.advance(1_000);
    await outcome;
    late.reject(new Error('too late'));
    await expect(late.promise).rejects.toThrow('too late');
  });
});

describe('P3: the caller’s signal', () => {
  test.each([
    ['obeys', true],
    ['ignores', false],
  ])('ends an attempt that %s it without a result', async (_, obedient) => {
    const stop = new AbortController();
    const outcome = attempt(endlessProcessor(obedient), stop.signal);
    stop.abort();
    expect(await outcome).toEqual({ kind: 'aborted' });
  });

  test('that has aborted before lets nothing begin', async () => {
    let begun = false;
    const processor = new FunctionProcessor(async () => {
      begun = true;
      return 'a dog';
    });
    expect(await attempt(processor, AbortSignal.abort())).toEqual({ kind: 'aborted' });
    expect(begun).toBe(false);
  });
});

test('a processor is told what there is to know about the medium', async () => {
  const seen: { mimeType: string; context: MediaContext }[] = [];
  const processor = new FunctionProcessor(async (_file, mimeType, context) => {
    seen.push({ mimeType, context });
    return 'a dog';
  });
  const job = claimedJob({ mimeType: 'Audio/OGG; codecs=opus', attempts: 1, originalFilename: 'a.ogg' });
  await processor.process(job, file, { clock: new ManualClock(), timeoutMs: 1_000 }, never);
  expect(seen).toEqual([
    {
      mimeType: 'audio/ogg',
      context: {
        guid: job.guid,
        botId: 'bot-a',
        providerName: 'simulator',
        correspondentId: 'ana@example',
        originalFilename: 'a.ogg',
        caption: 'look',
        attempt: 2,
        corruptReason: null,
      },
    },
  ]);
});
