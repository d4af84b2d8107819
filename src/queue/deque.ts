const INITIAL_CAPACITY = 8;

/**
 * A first-in, first-out sequence in a ring buffer that doubles when it is full.
 *   D1 The capacity is a power of two, so that a position wraps with a mask.
 *   D2 Slots outside the sequence hold nothing, so that what was shifted can be collected.
 */
export class Deque<T> {
  #slots = emptySlots<T>(INITIAL_CAPACITY);
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** The item at `position`, counted from the front, or undefined beyond the end. */
  at(position: number): T | undefined {
    return position < this.#length ? this.#slots[this.#slotOf(position)] : undefined;
  }

  push(item: T): void {
    if (this.#length === this.#slots.length) this.#grow();
    this.#slots[this.#slotOf(this.#length)] = item;
    this.#length += 1;
  }

  /** Takes the front item, or undefined when there is none. */
  shift(): T | undefined {
    if (this.#length === 0) return undefined;
    const item = this.#slots[this.#head];
    this.#slots[this.#head] = undefined;
    this.#head = this.#slotOf(1);
    this.#length -= 1;
    return item;
  }

  #slotOf(position: number): number {
    return (this.#head + position) & (this.#slots.length - 1);
  }

  #grow(): void {
    const inOrder = [...this.#slots.slice(this.#head), ...this.#slots.slice(0, this.#head)];
    this.#slots = [...inOrder, ...emptySlots<T>(inOrder.length)];
    this.#head = 0;
  }
}

const emptySlots = <T>(length: number): (T | undefined)[] => Array.from({ length });
