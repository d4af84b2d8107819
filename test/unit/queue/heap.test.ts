import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Heap } from '../../../src/queue/heap.ts';

interface Item {
  readonly rank: number;
}

const items = fc.array(fc.record({ rank: fc.nat({ max: 50 }) }), { maxLength: 60, size: 'max' });
const inOrder = (all: readonly Item[]): readonly number[] =>
  all.map(({ rank }) => rank).toSorted((a, b) => a - b);

function heapOf(all: readonly Item[]): { heap: Heap<Item>; positions: Map<Item, number> } {
  const positions = new Map<Item, number>();
  const heap = new Heap<Item>(
    (a, b) => a.rank < b.rank,
    (item, position) => positions.set(item, position),
  );
  for (const item of all) heap.push(item);
  return { heap, positions };
}

describe('a heap', () => {
  test('H1: gives its items in order', () => {
    fc.assert(
      fc.property(items, (all) => {
        const { heap } = heapOf(all);
        expect(all.map(() => heap.removeAt(0)?.rank)).toEqual(inOrder(all));
        expect(heap.removeAt(0)).toBeUndefined();
      }),
    );
  });

  test('H1, H2: gives up an item in its midst and keeps the rest in order', () => {
    fc.assert(
      fc.property(items, fc.nat({ max: 59 }), (all, index) => {
        const { heap, positions } = heapOf(all);
        const item = all[index];
        fc.pre(item !== undefined);
        expect(heap.removeAt(positions.get(item) ?? -1)).toBe(item);
        const rest = all.filter((each) => each !== item);
        for (const each of rest) expect(heap.at(positions.get(each) ?? -1)).toBe(each);
        expect(rest.map(() => heap.removeAt(0)?.rank)).toEqual(inOrder(rest));
      }),
    );
  });

  test('W1: is walked in order and stays as it is', () => {
    fc.assert(
      fc.property(items, (all) => {
        const { heap } = heapOf(all);
        const walk = heap.walk();
        const walked = all.map(() => [walk.upcoming, walk.next()] as const);
        expect(walked.map(([, item]) => item?.rank)).toEqual(inOrder(all));
        expect(walked.every(([upcoming, item]) => upcoming === item)).toBe(true);
        expect(walk.next()).toBeUndefined();
        expect(heap.size).toBe(all.length);
      }),
    );
  });

  test('gives nothing for a position that it does not have', () => {
    const { heap } = heapOf([{ rank: 1 }]);
    expect(heap.removeAt(1)).toBeUndefined();
    expect(heap.size).toBe(1);
  });
});
