import { maxAgeMs, type QueueLimits } from './limits.ts';
import type { ReadyMessage } from './message.ts';
import type { ReadyMessages } from './ready-messages.ts';

/** Which limit a message had to go for: too old, too many messages, or too many characters. */
export type EvictionReason = 'age' | 'count' | 'characters';

export interface Eviction {
  readonly message: ReadyMessage;
  readonly reason: EvictionReason;
}

const NO_EVICTIONS: readonly Eviction[] = [];

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
  let count = ready.count + (incoming === null ? 0 : 1);
  let characters = ready.characters + (incoming?.messageSize ?? 0);
  const exceeded = (): EvictionReason | null => {
    if (count > limits.maxMessages) return 'count';
    return characters > limits.maxCharacters ? 'characters' : null;
  };
  const oldestAllowed = now - maxAgeMs(limits);
  const oldest = ready.oldestReadyTime;
  const someAreTooOld = oldest !== null && oldest < oldestAllowed;
  if (!someAreTooOld && exceeded() === null) return NO_EVICTIONS;

  const evicted: Eviction[] = [];
  const evict = (message: ReadyMessage, reason: EvictionReason): void => {
    evicted.push({ message, reason });
    count -= 1;
    characters -= message.messageSize;
  };
  if (someAreTooOld) {
    for (const message of ready.readyBefore(oldestAllowed)) evict(message, 'age');
  }
  const candidates = ready.oldestFirst();
  for (let reason = exceeded(); reason !== null; reason = exceeded()) {
    const message = candidates.next();
    if (message === undefined) break;
    if (message.readyTime >= oldestAllowed) evict(message, reason);
  }
  return evicted;
}
