import { getEventListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import { deadline, pause, untilAborted } from '../../../src/processors/abort.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const endless = new Promise<never>(() => {});

describe('a deadline', () => {
  test('aborts when its time has come', () => {
    const clock = new ManualClock();
    const { signal } = deadline(clock, 100);
    clock.advance(99);
    expect(signal.aborted).toBe(false);
    clock.advance(1);
    expect(signal.reason).toMatchObject({ code: 'deadline_exceeded' });
  });

  test('does not abort once it is disposed of', () => {
    const clock = new ManualClock();
    const limit = deadline(clock, 100);
    limit[Symbol.dispose]();
    clock.advance(1_000);
    expect(limit.signal.aborted).toBe(false);
  });
});

describe('waiting for work', () => {
  test('ends with the work', async () => {
    const { signal } = new AbortController();
    expect(await untilAborted(Promise.resolve(7), signal)).toBe(7);
    await expect(untilAborted(Promise.reject(new Error('no')), signal)).rejects.toThrow('no');
  });

  test('leaves no listener on a signal that outlives it', async () => {
    const { signal } = new AbortController();
    await untilAborted(Promise.resolve(7), signal);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  test('ends with its signal, whose reason it tells', async () => {
    const stop = new AbortController();
    const waiting = untilAborted(endless, stop.signal);
    stop.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
  });

  test('does not begin when its signal has aborted', async () => {
    await expect(untilAborted(endless, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
  });
});

describe('a pause', () => {
  test('ends after its time', async () => {
    const clock = new ManualClock();
    const pausing = pause(clock, 100, new AbortController().signal);
    clock.advance(100);
    await expect(pausing).resolves.toBeUndefined();
  });

  test('ends with its signal and leaves no timer', async () => {
    const clock = new ManualClock();
    const stop = new AbortController();
    const pausing = pause(clock, 100, stop.signal);
    stop.abort(new Error('enough'));
    await expect(pausing).rejects.toThrow('enough');
    expect(clock.pendingTimers).toBe(0);
  });
});
