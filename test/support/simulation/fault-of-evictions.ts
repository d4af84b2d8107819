import type { QueueLimits } from '../../../src/queue/limits.ts';
import { isReady, type Message } from '../../../src/queue/message.ts';

/**
 * What is wrong with evicting `evictedIds` of a journal for a message that comes into it or gets its words; null: they
 * are the oldest ready ones, and no more than needed (Q3). Nothing is old enough to go for its age in a simulation.
 */
export function faultOfEvictions(
  journal: readonly Message[],
  evictedIds: readonly number[],
  incoming: Message,
  { maxMessages, maxCharacters }: QueueLimits,
): string | null {
  if (evictedIds.length === 0) return null;
  const ready = journal.filter(isReady);
  const lastId = Math.max(...evictedIds);
  const older = ready.find(({ id }) => id < lastId && !evictedIds.includes(id));
  if (older !== undefined) return `message ${lastId} was evicted before ${older.id}`;
  const without = ready.filter(({ id }) => id === lastId || !evictedIds.includes(id));
  const kept = isReady(incoming) ? [...without, incoming] : without;
  const characters = kept.reduce((sum, { messageSize }) => sum + messageSize, 0);
  const isWithin = kept.length <= maxMessages && characters <= maxCharacters;
  return isWithin ? `message ${lastId} was evicted, and need not have been` : null;
}
