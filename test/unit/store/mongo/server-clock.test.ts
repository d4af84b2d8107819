import { describe, expect, test } from 'vitest';
import { ServerClock } from '../../../../src/store/mongo/server-clock.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

const HOUR_MS = 3_600_000;
const NOON = 1_700_000_000_000;

function clockOf() {
  const clock = new ServerClock(new ManualClock());
  /** The server said `serverNow` at `askedAt` of this host, which took so long. */
  const take = (serverNow: number, tookMs = 0, askedAt = NOON): void =>
    clock.take({ askedAt, serverNow, answeredAt: askedAt + tookMs });
  return { clock, take };
}

test('K1: a time that goes to the server and back is the same', () => {
  const { clock, take } = clockOf();
  for (const serverNow of [NOON, NOON + 5 * HOUR_MS, NOON - 5 * HOUR_MS]) {
    take(serverNow);
    expect(clock.toServer(NOON)).toBe(serverNow);
    expect(clock.toHost(clock.toServer(NOON))).toBe(NOON);
  }
});

test('K3: what a measurement cannot tell from chance changes nothing', () => {
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

/** From noon on, for three hours. */
function slept(): ServerClock {
  const { clock, take } = clockOf();
  take(NOON, 0, NOON - HOUR_MS);
  take(NOON, 0, NOON);
  take(NOON + 3 * HOUR_MS, 0, NOON);
  return clock;
}

describe('K2: a host that slept for three hours from noon on', () => {
  test('is right again', () => {
    expect(slept().toHost(NOON + 4 * HOUR_MS)).toBe(NOON + HOUR_MS);
    expect(slept().toServer(NOON + HOUR_MS)).toBe(NOON + 4 * HOUR_MS);
  });

  test('finds what it wrote before no older than that, and by the same time', () => {
    const before = NOON - 60_000;
    expect(slept().toHost(before)).toBe(before);
    expect(slept().toServer(before)).toBe(before);
  });

  test('finds what others wrote meanwhile to be from when it woke, and not changed since', () => {
    const meanwhile = NOON + HOUR_MS;
    expect(slept().toHost(meanwhile)).toBe(NOON);
    expect(slept().toServer(slept().toHost(meanwhile))).toBeGreaterThanOrEqual(meanwhile);
  });
});
