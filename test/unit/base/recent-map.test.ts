import { expect, test } from 'vitest';
import { RecentMap } from '../../../src/base/recent-map.ts';

test('a million keys leave as many as it may hold, the latest', () => {
  const map = new RecentMap<string, number>(1_000);
  for (let index = 0; index < 1_000_000; index += 1) map.set(`sender ${index}`, index);
  const left = Array.from({ length: 1_000_000 }, (_, index) => map.get(`sender ${index}`)).filter(
    (value) => value !== undefined,
  );
  expect(left).toEqual(Array.from({ length: 1_000 }, (_, index) => 999_000 + index));
});

test('a key that is set again is a late one', () => {
  const map = new RecentMap<string, number>(2);
  map.set('a', 1);
  map.set('b', 2);
  map.set('a', 3);
  map.set('c', 4);
  expect(['a', 'b', 'c'].map((key) => map.get(key))).toEqual([3, undefined, 4]);
});

test('what is deleted or cleared is gone', () => {
  const map = new RecentMap<string, number>(9);
  map.set('a', 1);
  map.set('b', 2);
  map.delete('a');
  expect(map.get('a')).toBeUndefined();
  map.clear();
  expect(map.get('b')).toBeUndefined();
});
