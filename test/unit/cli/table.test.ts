import { expect, test } from 'vitest';
import { dayAndTime, oneLine, size, table } from '../../../src/cli/table.ts';

test('columns are as wide as their widest cell', () => {
  expect(table(['A', 'B'], [['long', 'x']])).toBe('A     B\nlong  x');
});

test('a text is on one line, without what a terminal obeys, and its emoji stay whole', () => {
  expect(oneLine('a\n\u001b[2Jb\u202Ec')).toBe('a [2Jb c');
  expect(oneLine('👨\u200D👩\u200D👧 می\u200Cخواهم')).toBe('👨\u200D👩\u200D👧 می\u200Cخواهم');
  expect(oneLine('1234😀6', 6)).toBe('1234…');
});

test('a time is told with its day, as it is here', () => {
  expect(dayAndTime(new Date(2026, 10, 7, 9, 5).getTime())).toBe('2026-11-07 09:05');
});

test.each([
  [0, '0 B'],
  [1_023, '1023 B'],
  [3_000, '2.9 KiB'],
  [5 * 2 ** 20, '5.0 MiB'],
  [3 * 2 ** 40, '3072.0 GiB'],
])('%i bytes are %s', (bytes, told) => expect(size(bytes)).toBe(told));
