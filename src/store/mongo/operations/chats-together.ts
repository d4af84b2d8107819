import type { AnyBulkWriteOperation, Filter } from 'mongodb';
import { DragomanError } from '../../../base/errors.ts';
import type { CorrespondentKey } from '../../../jobs/job.ts';
import { chatName } from '../../chat-name.ts';
import type { Outcome } from '../coalescing.ts';
import {
  chatFields,
  type ChatFields,
  chatKey,
  type CorrespondentDocument,
  type JournalDocument,
  READY,
} from '../collections.ts';
import type { Transaction } from '../transactions.ts';

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

interface ChatChange {
  readonly chat: CorrespondentDocument;
  readonly change:
    | { readonly $max: { readonly next_id: number } }
    | { readonly $inc: { readonly next_ingest_seq: number } }
    | Readonly<Record<string, never>>;
}

/** S2: as `ownedChat` does for one. What was read is what is written over, or the transaction conflicts. */
export async function ownChats(
  { collections: { correspondents }, session, fence }: Transaction,
  changes: readonly ChatChange[],
): Promise<void> {
  const { matchedCount } = await correspondents.bulkWrite(
    changes.map(({ chat: { _id }, change }): AnyBulkWriteOperation<CorrespondentDocument> => {
      const $inc = { ...('$inc' in change ? change.$inc : {}), revision: 1 };
      return {
        updateOne: {
          filter: { _id, fence: { $lte: fence } },
          update: { ...change, $set: { fence }, $inc },
        },
      };
    }),
    { session },
  );
  if (matchedCount === changes.length) return;
  throw new DragomanError(
    'invariant_broken',
    `expected ${changes.length} chats that were just read, got ${matchedCount}`,
  );
}

/** A placeholder is never deleted: its job is alive (S4). */
export async function deleteReadyOf(
  { collections: { journal }, session }: Transaction,
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
