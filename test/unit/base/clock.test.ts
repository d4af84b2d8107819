import { afterEach, expect, test, vi } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';

const DAY_MS = 86_400_000;

afterEach(() => {
  vi.restoreAllMocks();
});

test.each([-DAY_MS, -3_600_000, 3_600_000, DAY_MS])(
  'a step of the host’s clock by %i ms is not seen by a clock that runs',
  (stepMs) => {
    const clock = systemClock();
    const before = clock.now();
    const wall = Date.now();
    vi.spyOn(Date, 'now').mockReturnValue(wall + stepMs);
    expect(clock.now()).toBeGreaterThanOrEqual(before);
    expect(clock.now() - before).toBeLessThan(3_000_000);
  },
);

test('a clock starts at the time of its host', () => {
  vi.spyOn(Date, 'now').mockReturnValue(1_700_000_000_000);
  const sinceStart = systemClock().now() - 1_700_000_000_000;
  expect(Math.abs(sinceStart)).toBeLessThan(3_000_000);
});
