import { maxAgeMs, type QueueLimits } from './limits.ts';
import type { ReadyMessage } from './message.ts';
import type { ReadyMessages } from './ready-messages.ts';

/** Which limit a message had to go for: too old, too many messages, or too many characters. */
export type EvictionReason = 'age' | 'count' | 'characters';

export interface Eviction {
  readonly message: ReadyMessage;
  readonly reason: EvictionReason;
}

/**
 * What must go at the time `now`, so that the ready messages and the incoming one are within the limits: those too old,
 * then the oldest, and no more than needed. The incoming one is not among the candidates, hence never evicted.
 * Changes nothing. An eviction costs O(1), of a late message O(log n).
 */
export function planEvictions(
  ready: ReadyMessages,
  limits: QueueLimits,
  incoming: ReadyMessage | null,
  now: number,
): readonly Eviction[] {
  const evicted: Eviction[] = [];
  let count = ready.count + (incoming === null ? 0 : 1);
  let characters = ready.characters + (incoming?.messageSize ?? 0);
  const evict = (message: ReadyMessage, reason: EvictionReason): void => {
    evicted.push({ message, reason });
    count -= 1;
    characters -= message.messageSize;
  };

  const oldestAllowed = now - maxAgeMs(limits);
  for (const message of ready.readyBefore(oldestAllowed)) evict(message, 'age');

  const candidates = ready.oldestFirst();
  while (count > limits.maxMessages || characters > limits.maxCharacters) {
    const message = candidates.next();
    if (message === undefined) break;
    const isEvictedAlready = message.readyTime < oldestAllowed;
    if (!isEvictedAlready) evict(message, count > limits.maxMessages ? 'count' : 'characters');
  }
  return evicted;
}
