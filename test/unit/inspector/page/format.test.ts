import { describe, expect, test } from 'vitest';
import {
  age,
  bytes,
  clockTime,
  counted,
  duration,
  rate,
  timeOf,
} from '../../../../src/inspector/page/format.js';

const HOUR_MS = 3_600_000;

describe('what the page says', () => {
  test.for([
    [0, '0 ms'],
    [999, '999 ms'],
    [1_000, '1.0 s'],
    [9_990, '9.9 s'],
    [59_999, '59 s'],
    [65_000, '1 min 05 s'],
    [HOUR_MS + 600_000, '1 h 10 min'],
    [49 * HOUR_MS, '2 d 1 h'],
  ] as const)('of a duration of %d ms is %s', ([ms, said]) => {
    expect(duration(ms)).toBe(said);
  });

  test.for([
    [-5, '0 s'],
    [59_999, '59 s'],
    [119_000, '1 min'],
    [5 * HOUR_MS, '5 h'],
    [50 * HOUR_MS, '2 d'],
  ] as const)('of an age of %d ms is %s', ([ms, said]) => {
    expect(age(ms)).toBe(said);
  });

  test.for([
    [512, '512 B'],
    [2_048, '2.0 KiB'],
    [150 * 1_024, '150 KiB'],
    [25 * 1_024 ** 3, '25.0 GiB'],
  ] as const)('of %d bytes is %s', ([count, said]) => {
    expect(bytes(count)).toBe(said);
  });

  test('of a time is the day, too, where that is not today', () => {
    const noon = new Date(2026, 10, 27, 12, 0, 0).getTime();
    expect(timeOf(noon - HOUR_MS, noon)).toBe(clockTime(noon - HOUR_MS));
    expect(timeOf(noon - 13 * HOUR_MS, noon)).toContain('26');
  });

  test('of rates and counts has as many digits as mean something', () => {
    expect([rate(0), rate(0.25), rate(9.96), rate(42.4)]).toEqual(['0', '0.3', '10.0', '42']);
    expect([counted(1, 'chat'), counted(2, 'chat'), counted(0, 'reply', 'replies')]).toEqual([
      '1 chat',
      '2 chats',
      '0 replies',
    ]);
  });
});
