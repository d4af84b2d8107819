import type { ManualClock } from './manual-clock.ts';

const LONGEST_SECONDS = 1_000;

/**
 * Moves `clock` on second by second, with everything in between that needs no time, until `work` has ended.
 * `onSecond` is called before each second passes. Rejects when `work` takes more than `LONGEST_SECONDS`.
 */
export async function passTimeUntil<T>(
  work: Promise<T>,
  clock: ManualClock,
  onSecond: (second: number) => void = () => {},
): Promise<T> {
  const progress = { over: false };
  const ended = work.finally(() => {
    progress.over = true;
  });
  for (let second = 0; second < LONGEST_SECONDS; second += 1) {
    onSecond(second);
    await new Promise(setImmediate);
    if (progress.over) return ended;
    clock.advance(1_000);
  }
  throw new Error(`expected an end within ${LONGEST_SECONDS} s`);
}
