import { Heap, type Before, type HeapWalk } from './heap.ts';
import type { Message } from './message.ts';

/**
 * Messages in an order of the owner's choice, any of which can be found and removed by its id.
 * add and remove are O(log n).
 *   M1 `positions` says of each message in the heap where it is, and knows no other.
 */
export class MessageHeap<T extends Message> {
  readonly #positions = new Map<number, number>();
  readonly #heap: Heap<T>;

  constructor(before: Before<T>) {
    this.#heap = new Heap(before, (message, position) => this.#positions.set(message.id, position));
  }

  get size(): number {
    return this.#heap.size;
  }

  get first(): T | undefined {
    return this.#heap.first;
  }

  has(id: number): boolean {
    return this.#positions.has(id);
  }

  add(message: T): void {
    this.#heap.push(message);
  }

  /** Takes out the message with this id; false when there is none. */
  remove(id: number): boolean {
    const position = this.#positions.get(id);
    if (position === undefined) return false;
    this.#heap.removeAt(position);
    this.#positions.delete(id);
    return true;
  }

  walk(): HeapWalk<T> {
    return this.#heap.walk();
  }
}
