import type { EventEmitter } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../base/clock.ts';

export interface HandOver<V> {
  /** Gets each value before the listeners do; they get it only if this resolves. */
  readonly first: (value: V) => Promise<void>;
  /** Runs when the listeners are done with a value. */
  readonly last: () => Promise<void>;
  /** After it aborts nothing more is handed over. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** How long one value may take. */
  readonly deadlineMs: number;
  /** Called when one takes longer; the others go on waiting for it, until `signal` aborts. */
  readonly onOverdue: () => void;
  readonly onFailure: (error: unknown) => void;
}

/**
 * Hands an event's values to its present listeners one after another, in the order they arrived: the next when they
 * are done with the one before, and the event loop has gone round. Baileys handles live messages side by side and a
 * backlog beside them, so that a message may overtake an earlier one of its chat.
 */
export function inArrivalOrder<V>(
  emitter: EventEmitter,
  event: string,
  { first, last, signal, clock, deadlineMs, onOverdue, onFailure }: HandOver<V>,
): void {
  const listeners = emitter.listeners(event);
  emitter.removeAllListeners(event);

  const handOver = async (value: V): Promise<void> => {
    if (signal.aborted) return;
    const deadline = clock.schedule(deadlineMs, onOverdue);
    try {
      await first(value);
      for (const listener of listeners) {
        if (signal.aborted) return;
        await Reflect.apply(listener, emitter, [value]);
      }
      await last();
    } finally {
      deadline.cancel();
    }
  };

  let tail: Promise<void> = Promise.resolve();
  emitter.on(event, (value: V) => {
    tail = tail
      .then(() => handOver(value))
      .catch(onFailure)
      // What handles a value may never wait for I/O: without this a backlog holds the event loop to its end.
      .then(() => nextTurn());
  });
}
