/** Whether `a` comes out ahead of `b`: a strict order. */
export type Before<T> = (a: T, b: T) => boolean;

/**
 * A binary min-heap in an array (Williams, 1964). push and removeAt are O(log n).
 *   H1 No item is before its parent; the children of position p are at 2p + 1 and 2p + 2.
 *   H2 The last position that `onMove` was told of an item is where it is.
 */
export class Heap<T extends object> {
  readonly #items: T[] = [];
  readonly #before: Before<T>;
  readonly #onMove: (item: T, position: number) => void;

  constructor(before: Before<T>, onMove: (item: T, position: number) => void = () => {}) {
    this.#before = before;
    this.#onMove = onMove;
  }

  get size(): number {
    return this.#items.length;
  }

  /** The item that is before all others. */
  get first(): T | undefined {
    return this.#items[0];
  }

  at(position: number): T | undefined {
    return this.#items[position];
  }

  push(item: T): void {
    this.#siftUp(item, this.#items.length);
  }

  removeAt(position: number): T | undefined {
    const removed = this.#items[position];
    if (removed === undefined) return undefined;
    const last = this.#items.pop();
    if (last === undefined || last === removed) return removed;
    const parent = this.#items[parentOf(position)];
    if (position > 0 && parent !== undefined && this.#before(last, parent)) this.#siftUp(last, position);
    else this.#siftDown(last, position);
    return removed;
  }

  /** Goes through the items in order and leaves the heap as it is. The heap must not change meanwhile. */
  walk(): HeapWalk<T> {
    return new HeapWalk(this, this.#before);
  }

  #siftUp(item: T, from: number): void {
    let position = from;
    while (position > 0) {
      const parent = this.#items[parentOf(position)];
      if (parent === undefined || !this.#before(item, parent)) break;
      this.#put(parent, position);
      position = parentOf(position);
    }
    this.#put(item, position);
  }

  #siftDown(item: T, from: number): void {
    let position = from;
    for (;;) {
      const childPosition = this.#firstChildOf(position);
      const child = this.#items[childPosition];
      if (child === undefined || !this.#before(child, item)) break;
      this.#put(child, position);
      position = childPosition;
    }
    this.#put(item, position);
  }

  #firstChildOf(position: number): number {
    const left = this.#items[leftOf(position)];
    const right = this.#items[leftOf(position) + 1];
    const rightIsFirst = left !== undefined && right !== undefined && this.#before(right, left);
    return rightIsFirst ? leftOf(position) + 1 : leftOf(position);
  }

  #put(item: T, position: number): void {
    this.#items[position] = item;
    this.#onMove(item, position);
  }
}

/**
 * A heap's items in order, the first k of them in O(k log k).
 *   W1 The frontier holds the items that were not passed, but whose parents were: the next one is among them.
 */
export class HeapWalk<T extends object> {
  readonly #heap: Heap<T>;
  readonly #frontier: Heap<{ readonly item: T; readonly position: number }>;

  constructor(heap: Heap<T>, before: Before<T>) {
    this.#heap = heap;
    this.#frontier = new Heap((a, b) => before(a.item, b.item));
    this.#reach(0);
  }

  /** The item that `next` will return. */
  get upcoming(): T | undefined {
    return this.#frontier.first?.item;
  }

  /** Passes an item; undefined when all are passed. */
  next(): T | undefined {
    const passed = this.#frontier.removeAt(0);
    if (passed === undefined) return undefined;
    this.#reach(leftOf(passed.position));
    this.#reach(leftOf(passed.position) + 1);
    return passed.item;
  }

  #reach(position: number): void {
    const item = this.#heap.at(position);
    if (item !== undefined) this.#frontier.push({ item, position });
  }
}

const parentOf = (position: number): number => (position - 1) >> 1;
const leftOf = (position: number): number => 2 * position + 1;
