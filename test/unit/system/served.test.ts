import { describe, expect, test } from 'vitest';
import { Served } from '../../../src/system/administration/served.ts';

const MINUTE_MS = 60_000;
const NOON = 1_700_000_040_000;

describe('what a pool has lately served', () => {
  test('is shared between bots: counts the jobs of a pool that came to their end, the bot with the most first', () => {
    const served = new Served(NOON);
    for (const botId of ['shop', 'help', 'shop']) served.note('audio', botId, NOON);
    served.note('video', 'help', NOON);
    expect(served.sharesOf('audio', NOON)).toEqual([
      { botId: 'shop', served: 2 },
      { botId: 'help', served: 1 },
    ]);
    expect(served.sharesOf('video', NOON)).toEqual([{ botId: 'help', served: 1 }]);
    expect(served.sharesOf('image', NOON)).toEqual([]);
  });

  test('S1: forgets what is older than five minutes', () => {
    const served = new Served(NOON);
    served.note('audio', 'shop', NOON);
    served.note('audio', 'help', NOON + 2 * MINUTE_MS);
    expect(served.sharesOf('audio', NOON + 3 * MINUTE_MS)).toHaveLength(2);
    expect(served.sharesOf('audio', NOON + 6 * MINUTE_MS)).toEqual([{ botId: 'help', served: 1 }]);
    expect(served.sharesOf('audio', NOON + 60 * MINUTE_MS)).toEqual([]);
  });

  test('is a rate: jobs a minute, over the last five, and since the start where that is less', () => {
    const served = new Served(NOON);
    const rateAt = (minutes: number): number => served.perMinute('audio', NOON + minutes * MINUTE_MS);
    expect(rateAt(0)).toBe(0);
    for (let job = 0; job < 6; job += 1) served.note('audio', 'shop', NOON);
    served.note('video', 'shop', NOON);
    expect([rateAt(0.1), rateAt(1), rateAt(2)]).toEqual([6, 6, 3]);
    for (let minute = 1; minute < 60; minute += 1) {
      for (let job = 0; job < 2; job += 1) served.note('audio', 'shop', NOON + minute * MINUTE_MS);
    }
    expect(rateAt(60)).toBe(2);
    expect(rateAt(120)).toBe(0);
  });
});
