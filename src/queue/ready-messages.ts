import { DragomanError } from '../base/errors.ts';
import { Fifo, type FifoNode } from './fifo.ts';
import type { HeapWalk } from './heap.ts';
import { LateMessages } from './late-messages.ts';
import type { ReadyMessage } from './message.ts';

/**
 * The ready messages of a queue, in two lanes: those that became ready in their turn, as every text does, and those
 * that became ready late, after younger messages did, as fulfilled media do.
 *   R1 In the lane of those in turn, ids and ready times both rise: its front is the oldest by either.
 *   R2 `count` and `characters` equal a recount.
 */
export class ReadyMessages {
  readonly #inTurn = new Fifo<ReadyMessage>();
  /** Null until there is one: most chats never have any. */
  #late: LateMessages | null = null;
  #count = 0;
  #characters = 0;

  get count(): number {
    return this.#count;
  }

  /** Sum of `messageSize`. */
  get characters(): number {
    return this.#characters;
  }

  /** When the message that has been ready for longest became so; null when there is none. */
  get oldestReadyTime(): number | null {
    const inTurn = this.#inTurn.front?.item.readyTime ?? null;
    const late = this.#late?.oldestReadyTime ?? null;
    if (inTurn === null || late === null) return inTurn ?? late;
    return Math.min(inTurn, late);
  }

  /** Adds a message younger than all others, by id and by ready time. O(1). */
  addInTurn(message: ReadyMessage): void {
    this.#inTurn.push(message);
    this.#count += 1;
    this.#characters += message.messageSize;
  }

  /** Adds a message of any id and ready time. O(log n) in the number of late messages. */
  addLate(message: ReadyMessage): void {
    this.#late ??= new LateMessages();
    this.#late.add(message);
    this.#count += 1;
    this.#characters += message.messageSize;
  }

  /** Adds a message out of the journal, younger than all others by id. */
  restore(message: ReadyMessage): void {
    const previous = this.#inTurn.back?.item;
    const wasText = message.readyTime === message.acceptedTime;
    if (wasText && (previous === undefined || previous.readyTime <= message.readyTime))
      this.addInTurn(message);
    else this.addLate(message);
  }

  /** Takes out the front of those in turn, or any late message. */
  remove(message: ReadyMessage): void {
    if (this.#inTurn.front?.item === message) this.#inTurn.shift();
    else if (this.#late?.remove(message.id) !== true) {
      throw new DragomanError(
        'invariant_broken',
        `expected message ${message.id} first in its lane, it is not`,
      );
    }
    this.#count -= 1;
    this.#characters -= message.messageSize;
  }

  /** Walks those in turn, up to the id: for the rare repair of a journal, not for daily work. */
  has(id: number): boolean {
    return this.#late?.has(id) === true || this.#hasInTurn(id);
  }

  /** Goes through the messages in id order. They must not change meanwhile. */
  oldestFirst(): OldestFirst {
    return new OldestFirst(this.#inTurn.front, this.#late?.walkById() ?? null);
  }

  /** In id order. */
  *[Symbol.iterator](): Generator<ReadyMessage> {
    const oldestFirst = this.oldestFirst();
    for (let message = oldestFirst.next(); message !== undefined; message = oldestFirst.next()) yield message;
  }

  /** The messages that became ready before `time`, oldest first within each lane. */
  readyBefore(time: number): readonly ReadyMessage[] {
    const oldest = this.oldestReadyTime;
    if (oldest === null || oldest >= time) return NONE;
    const found: ReadyMessage[] = [];
    for (let node = this.#inTurn.front; node !== null && node.item.readyTime < time; node = node.next) {
      found.push(node.item);
    }
    const late = this.#late?.walkByReadyTime();
    for (
      let message = late?.next();
      message !== undefined && message.readyTime < time;
      message = late?.next()
    ) {
      found.push(message);
    }
    return found;
  }

  #hasInTurn(id: number): boolean {
    let node = this.#inTurn.front;
    while (node !== null && node.item.id < id) node = node.next;
    return node?.item.id === id;
  }
}

const NONE: readonly ReadyMessage[] = [];

/** Both lanes merged by id. */
export class OldestFirst {
  #inTurn: FifoNode<ReadyMessage> | null;
  readonly #late: HeapWalk<ReadyMessage> | null;

  constructor(inTurn: FifoNode<ReadyMessage> | null, late: HeapWalk<ReadyMessage> | null) {
    this.#inTurn = inTurn;
    this.#late = late;
  }

  /** The next message, or undefined when there are no more. */
  next(): ReadyMessage | undefined {
    const inTurn = this.#inTurn?.item;
    const late = this.#late?.upcoming;
    if (inTurn === undefined || (late !== undefined && late.id < inTurn.id)) return this.#late?.next();
    this.#inTurn = this.#inTurn?.next ?? null;
    return inTurn;
  }
}
