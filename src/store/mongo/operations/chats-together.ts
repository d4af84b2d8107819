import type { Filter } from 'mongodb';
import type { CorrespondentKey } from '../../../jobs/job.ts';
import { chatName } from '../../chat-name.ts';
import type { Outcome } from '../coalescing.ts';
import { type CorrespondentDocument, type JournalDocument, READY } from '../collections.ts';
import { chatFields, type ChatFields, chatKey } from '../../documents.ts';
import type { OwnerTransaction, Transaction } from '../transactions.ts';

/**
 * What is done to many chats in as many statements as to one. Whatever is out of the ordinary (a duplicate, a merged or
 * unknown chat, a newer owner) is left to be done alone.
 */

export const ALONE = { kind: 'alone' } as const;
export const done = <T>(value: T): Outcome<T> => ({ kind: 'done', value });

/** Those of the chats that this owner may write to. */
export async function chatsByName(
  { collections: { correspondents }, session, fence }: Transaction,
  keys: readonly CorrespondentKey[],
): Promise<Map<string, CorrespondentDocument>> {
  const mine: Filter<CorrespondentDocument> = { $or: keys.map(chatFields), fence: { $lte: fence } };
  const chats = await correspondents.find(mine, { session }).toArray();
  return new Map(chats.map((chat) => [chatName(chatKey(chat)), chat]));
}

/** A placeholder is never deleted: its job is alive (S4). */
export async function deleteReadyOf(
  { collections: { journal }, session }: OwnerTransaction,
  places: readonly { readonly key: CorrespondentKey; readonly ids: readonly number[] }[],
): Promise<void> {
  const filled = places.filter(({ ids }) => ids.length > 0);
  if (filled.length === 0) return;
  const filter: Filter<JournalDocument> = {
    $or: filled.map(({ key, ids }) => placesOf(key, ids)),
    ...READY,
  };
  await journal.deleteMany(filter, { session });
}

export const placesOf = (
  key: CorrespondentKey,
  ids: readonly number[],
): ChatFields & { readonly id: { readonly $in: number[] } } => ({
  ...chatFields(key),
  id: { $in: [...ids] },
});
