import type { HeapWalk } from './heap.ts';
import { MessageHeap } from './message-heap.ts';
import type { ReadyMessage } from './message.ts';

/**
 * Ready messages in two orders: by id, as they leave, and by ready time, as they age.
 *   L1 Both heaps hold the same messages.
 */
export class LateMessages {
  readonly #byId = new MessageHeap<ReadyMessage>((a, b) => a.id < b.id);
  readonly #byReadyTime = new MessageHeap<ReadyMessage>(becameReadyBefore);

  get oldestReadyTime(): number | null {
    return this.#byReadyTime.first?.readyTime ?? null;
  }

  has(id: number): boolean {
    return this.#byId.has(id);
  }

  add(message: ReadyMessage): void {
    this.#byId.add(message);
    this.#byReadyTime.add(message);
  }

  /** False when there is none with this id. */
  remove(id: number): boolean {
    return this.#byId.remove(id) && this.#byReadyTime.remove(id);
  }

  walkById(): HeapWalk<ReadyMessage> {
    return this.#byId.walk();
  }

  walkByReadyTime(): HeapWalk<ReadyMessage> {
    return this.#byReadyTime.walk();
  }
}

function becameReadyBefore(a: ReadyMessage, b: ReadyMessage): boolean {
  return a.readyTime < b.readyTime || (a.readyTime === b.readyTime && a.id < b.id);
}
