import { expect, test } from 'vitest';
import { ServerClock } from '../../../../src/store/mongo/server-clock.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

const HOUR_MS = 3_600_000;
const NOON = 1_700_000_000_000;

function clockOf() {
  const clock = new ServerClock(new ManualClock());
  /** The server said `serverNow`, `tookMs` after this host's noon. */
  const take = (serverNow: number, tookMs = 0): void =>
    clock.take({ askedAt: NOON, serverNow, answeredAt: NOON + tookMs });
  return { clock, take };
}

test('C1: a time that goes to the server and back is the same', () => {
  const { clock, take } = clockOf();
  for (const serverNow of [NOON, NOON + 5 * HOUR_MS, NOON - 5 * HOUR_MS]) {
    take(serverNow);
    expect(clock.toServer(NOON)).toBe(serverNow);
    expect(clock.toHost(clock.toServer(NOON))).toBe(NOON);
  }
});

test('C2: what a measurement cannot tell from chance changes nothing', () => {
  const { clock, take } = clockOf();
  take(NOON + 900);
  expect(clock.toServer(NOON)).toBe(NOON);
  take(NOON + 9_000, 20_000);
  expect(clock.toServer(NOON)).toBe(NOON);
  take(NOON + HOUR_MS, 20_000);
  expect(clock.toServer(NOON)).toBe(NOON + HOUR_MS - 10_000);
  take(NOON + HOUR_MS - 9_500);
  expect(clock.toServer(NOON)).toBe(NOON + HOUR_MS - 10_000);
});

test('a host that slept, whose clock stood meanwhile, is right again', () => {
  const { clock, take } = clockOf();
  take(NOON);
  take(NOON + 3 * HOUR_MS);
  expect(clock.toHost(NOON + 3 * HOUR_MS)).toBe(NOON);
});
