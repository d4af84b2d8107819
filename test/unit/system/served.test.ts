import { describe, expect, test } from 'vitest';
import { Served } from '../../../src/system/administration/served.ts';

const MINUTE_MS = 60_000;
const NOON = 1_700_000_000_000;

describe('the share of each bot', () => {
  test('counts the jobs of a pool that came to their end, the bot with the most first', () => {
    const served = new Served();
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
    const served = new Served();
    served.note('audio', 'shop', NOON);
    served.note('audio', 'help', NOON + 2 * MINUTE_MS);
    expect(served.sharesOf('audio', NOON + 3 * MINUTE_MS)).toHaveLength(2);
    expect(served.sharesOf('audio', NOON + 6 * MINUTE_MS)).toEqual([{ botId: 'help', served: 1 }]);
    expect(served.sharesOf('audio', NOON + 60 * MINUTE_MS)).toEqual([]);
  });
});
