import { DragomanError } from '../base/errors.ts';
import type { Guid } from '../base/ids.ts';
import type { Ordering } from './limits.ts';
import { MessageHeap } from './message-heap.ts';
import type { Placeholder } from './message.ts';

/**
 * The placeholders of a queue, and which of them hold younger messages back (in strict ordering alone).
 *   P1 The map and `byId` hold the same placeholders.
 *   P2 `holding` has every placeholder whose hold has not ended, and of the others only such as have not been asked
 *      about since it did. A hold that ended does not come back, since time never runs backwards.
 */
export class Placeholders {
  readonly #byGuid = new Map<Guid, Placeholder>();
  readonly #byId = new MessageHeap<Placeholder>(cameBefore);
  readonly #holding: MessageHeap<Placeholder> | null;
  readonly #holdMs: number;

  constructor(ordering: Ordering) {
    this.#holding = ordering.kind === 'strict' ? new MessageHeap<Placeholder>(cameBefore) : null;
    this.#holdMs = ordering.kind === 'strict' ? ordering.strictHoldMs : 0;
  }

  get count(): number {
    return this.#byGuid.size;
  }

  /** The one with the lowest id. */
  get oldest(): Placeholder | undefined {
    return this.#byId.first;
  }

  get(guid: Guid): Placeholder | undefined {
    return this.#byGuid.get(guid);
  }

  has(id: number): boolean {
    return this.#byId.has(id);
  }

  /** In no particular order. */
  [Symbol.iterator](): Iterator<Placeholder> {
    return this.#byGuid.values();
  }

  add(placeholder: Placeholder): void {
    const guid = placeholder.mediaProcessingId;
    if (this.#byGuid.has(guid)) {
      throw new DragomanError('invariant_broken', `expected one placeholder for ${guid}, got a second`);
    }
    this.#byGuid.set(guid, placeholder);
    this.#byId.add(placeholder);
    this.#holding?.add(placeholder);
  }

  remove(placeholder: Placeholder): void {
    this.#byGuid.delete(placeholder.mediaProcessingId);
    this.#byId.remove(placeholder.id);
    this.#holding?.remove(placeholder.id);
  }

  /** The hold that the oldest placeholder younger than the ordering's limit has at `now`, or null when nothing is held. */
  firstHold(now: number): Hold | null {
    for (let first = this.#holding?.first; first !== undefined; first = this.#holding?.first) {
      const endsAt = first.acceptedTime + this.#holdMs;
      if (now < endsAt) return { id: first.id, endsAt };
      this.#holding?.remove(first.id);
    }
    return null;
  }
}

/** Messages with an id above `id` wait until `endsAt`, epoch milliseconds, or until that placeholder is fulfilled. */
export interface Hold {
  readonly id: number;
  readonly endsAt: number;
}

const cameBefore = (a: Placeholder, b: Placeholder): boolean => a.id < b.id;
