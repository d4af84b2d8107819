import { describe, expect, test } from 'vitest';
import { Fifo } from '../../../src/queue/fifo.ts';

function itemsOf<T>(fifo: Fifo<T>): readonly T[] {
  const items: T[] = [];
  for (let node = fifo.front; node !== null; node = node.next) items.push(node.item);
  return items;
}

describe('a fifo', () => {
  test('gives its items in the order in which they came', () => {
    const fifo = new Fifo<string>();
    for (const item of ['a', 'b', 'c']) fifo.push(item);
    fifo.shift();
    fifo.push('d');
    expect(itemsOf(fifo)).toEqual(['b', 'c', 'd']);
    expect(fifo.back?.item).toBe('d');
  });

  test('F1: that was emptied has neither front nor back, and fills again', () => {
    const fifo = new Fifo<string>();
    fifo.push('a');
    fifo.shift();
    fifo.shift();
    expect([fifo.front, fifo.back]).toEqual([null, null]);
    fifo.push('b');
    expect(itemsOf(fifo)).toEqual(['b']);
  });

  test('F2: a node that was taken leads nowhere', () => {
    const fifo = new Fifo<string>();
    fifo.push('a');
    fifo.push('b');
    const taken = fifo.front;
    fifo.shift();
    expect(taken).toEqual({ item: 'a', next: null });
  });
});
