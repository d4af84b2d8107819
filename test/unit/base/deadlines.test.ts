import { getEventListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import { deadline, pause, repeat, untilAborted, withDeadline, within } from '../../../src/base/deadlines.ts';
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

describe('work within a deadline', () => {
  test('settles as the work does and leaves no timer', async () => {
    const clock = new ManualClock();
    expect(await within(clock, 100, 'an answer', Promise.resolve(7))).toBe(7);
    await expect(within(clock, 100, 'an answer', Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(clock.pendingTimers).toBe(0);
  });

  test('is given up when its time is over', async () => {
    const clock = new ManualClock();
    const waiting = within(clock, 100, 'an answer', endless);
    clock.advance(100);
    await expect(waiting).rejects.toMatchObject({
      code: 'deadline_exceeded',
      message: 'expected an answer within 100 ms',
    });
  });

  test('is told by its signal when its time is over, or when the caller gives up', async () => {
    const clock = new ManualClock();
    const caller = new AbortController();
    const told: AbortSignal[] = [];
    const begin = () =>
      withDeadline(
        clock,
        100,
        (signal) => {
          told.push(signal);
          return endless;
        },
        caller.signal,
      );
    const late = begin();
    clock.advance(100);
    await expect(late).rejects.toMatchObject({ code: 'deadline_exceeded' });
    const withdrawn = begin();
    caller.abort(new Error('enough'));
    await expect(withdrawn).rejects.toThrow('enough');
    expect(told.map(({ aborted }) => aborted)).toEqual([true, true]);
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('a repeated task', () => {
  test('runs every period until it is cancelled, by itself too', () => {
    const clock = new ManualClock();
    let runs = 0;
    const timer = repeat(clock, 10, () => {
      runs += 1;
      if (runs === 3) timer.cancel();
    });
    clock.advance(9);
    expect(runs).toBe(0);
    clock.advance(100);
    expect(runs).toBe(3);
    expect(clock.pendingTimers).toBe(0);
  });
});
