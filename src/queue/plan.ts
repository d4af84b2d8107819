import type { Eviction } from './eviction.ts';
import type { Placeholder, ReadyMessage } from './message.ts';

interface Change {
  /** The state that the plan was made from: the queue, and how often it had changed. */
  readonly queue: object;
  readonly changes: number;
  /** What goes to make room, and what grew too old. Popping evicts nothing. */
  readonly evicted: readonly Eviction[];
}

export interface AddPlan extends Change {
  readonly kind: 'add';
  /** The message with its place: a placeholder if it brings media, unless there are too many already. */
  readonly message: Placeholder | ReadyMessage;
  /** The placeholder that would have been one too many, in whose stead `message` is a text; null otherwise. */
  readonly overCap: Placeholder | null;
}

export interface FulfilPlan extends Change {
  readonly kind: 'fulfil';
  readonly placeholder: Placeholder;
  /** The same place, with words. */
  readonly message: ReadyMessage;
}

export interface InjectPlan extends Change {
  readonly kind: 'inject';
  readonly placeholder: Placeholder;
}

export interface TickPlan extends Change {
  readonly kind: 'tick';
}

export interface PopPlan extends Change {
  readonly kind: 'pop';
  /** In id order. */
  readonly messages: readonly [ReadyMessage, ...ReadyMessage[]];
}

export type Plan = AddPlan | FulfilPlan | InjectPlan | TickPlan | PopPlan;

/** Strict ordering: there are ready messages, but a placeholder before them may hold them until then (epoch ms). */
export interface Held {
  readonly kind: 'held';
  readonly heldUntil: number;
}

/** A plan of one, applied. */
export interface Popped {
  readonly kind: 'popped';
  readonly message: ReadyMessage;
}

/** Nothing is ready. */
export interface Empty {
  readonly kind: 'empty';
}
