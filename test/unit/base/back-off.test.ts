import { describe, expect, test } from 'vitest';
import { untilDone } from '../../../src/base/back-off.ts';
import { DragomanError } from '../../../src/base/errors.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { passTimeUntil } from '../../support/pass-time.ts';

const away = new DragomanError('store_unavailable', 'away');

function backOff() {
  const clock = new ManualClock();
  const stop = new AbortController();
  const delays: number[] = [];
  const failed = (_error: unknown, delayMs: number) => void delays.push(delayMs);
  return {
    clock,
    stop,
    delays,
    options: { clock, firstMs: 1_000, longestMs: 3_000, signal: stop.signal, failed },
  };
}

describe('work that is done again until it succeeds', () => {
  test('waits twice as long each time, up to the longest wait', async () => {
    const { clock, delays, options } = backOff();
    let left = 4;
    const work = async () => {
      if (left === 0) return 'done';
      left -= 1;
      throw away;
    };
    expect(await passTimeUntil(untilDone(work, options), clock)).toBe('done');
    expect(delays).toEqual([1_000, 2_000, 3_000, 3_000]);
  });

  test('is not tried again after a failure that repetition does not cure', async () => {
    const { delays, options } = backOff();
    const fenced = new DragomanError('fenced', 'another owner');
    await expect(untilDone(() => Promise.reject(fenced), options)).rejects.toMatchObject({ code: 'fenced' });
    expect(delays).toEqual([]);
  });

  test('is given up with the last failure as cause when its signal aborts, and leaves no timer', async () => {
    const { clock, stop, options } = backOff();
    const work = untilDone(() => Promise.reject(away), options);
    await Promise.resolve();
    stop.abort();
    await expect(work).rejects.toMatchObject({ code: 'aborted', cause: away });
    expect(clock.pendingTimers).toBe(0);
  });
});
