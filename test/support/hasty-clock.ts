import type { Clock } from '../../src/base/clock.ts';

const SHORTEST_DEADLINE_MS = 10_000;

/** A clock by which short pauses are over at once and deadlines never come, for what waits for a real socket. */
export const hastyClock = (startAt = 1_700_000_000_000): Clock => ({
  now: () => startAt,
  schedule: (delayMs, task) => {
    const timer = delayMs < SHORTEST_DEADLINE_MS ? setImmediate(task) : undefined;
    return { cancel: () => clearImmediate(timer) };
  },
});
