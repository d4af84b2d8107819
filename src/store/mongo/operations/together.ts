import type { AnyBulkWriteOperation, Filter } from 'mongodb';
import { DragomanError } from '../../../base/errors.ts';
import type { CorrespondentKey } from '../../../jobs/job.ts';
import { chatName } from '../../chat-name.ts';
import { messageDocument } from '../../documents.ts';
import type { Acceptance, AcceptOutcome } from '../../message-store.ts';
import type { Coalescible, Outcome } from '../coalescing.ts';
import {
  chatFields,
  type ChatFields,
  chatKey,
  type CorrespondentDocument,
  type JournalDocument,
  type MessageIdDocument,
  READY,
} from '../collections.ts';
import type { Transaction } from '../transactions.ts';
import { accept, ingest, messageIdOf } from './messages.ts';

/**
 * The two transactions that every text goes through, for many chats in as many statements as for one. Whatever is out of
 * the ordinary (a duplicate, a merged or unknown chat, a newer owner) is left to be done alone.
 */

const ALONE = { kind: 'alone' } as const;
const done = <T>(value: T): Outcome<T> => ({ kind: 'done', value });

/** Of texts. */
export const ACCEPTING: Coalescible<Acceptance, AcceptOutcome> = {
  alone: (acceptance) => (transaction) => accept(transaction, acceptance, transaction.nextSeq()),

  async together(transaction, items) {
    const { collections, session } = transaction;
    const chats = await chatsByName(
      transaction,
      items.map(({ correspondent }) => correspondent),
    );
    const texts = items.flatMap((acceptance) => {
      const { correspondent, message } = acceptance;
      const chat = chats.get(chatName(correspondent));
      if (chat?.aliases === undefined || message.id < chat.next_id) return [];
      const { _id: chatId } = chat;
      return [{ acceptance, chat, messageId: messageIdOf(chatId, message) }];
    });
    const keys = texts.flatMap(({ messageId }) => (messageId === null ? [] : [keyOf(messageId)]));
    const known = await collections.messageIds.find({ _id: { $in: keys } }, { session }).toArray();
    const chatsWithDuplicate = new Set(known.map((messageId) => keyOf(messageId).chat));
    const news = texts.filter(({ chat: { _id } }) => !chatsWithDuplicate.has(_id));
    if (news.length === 0) return items.map(() => ALONE);

    await ownChats(
      transaction,
      news.map(({ acceptance, chat }) => ({
        chat,
        change: { $max: { next_id: acceptance.message.id + 1 } },
      })),
    );
    const messageIds = news.flatMap(({ messageId }) => messageId ?? []);
    if (messageIds.length > 0) await collections.messageIds.insertMany(messageIds, { session });
    await collections.journal.insertMany(
      news.map(({ acceptance: { correspondent, message } }) => ({
        ...chatFields(correspondent),
        ...messageDocument(message),
      })),
      { session },
    );
    await deleteReadyOf(
      transaction,
      news.map(({ acceptance }) => ({ key: acceptance.correspondent, ids: acceptance.evictedIds })),
    );
    const accepted = new Set(news.map(({ acceptance }) => acceptance));
    return items.map((acceptance) => (accepted.has(acceptance) ? done({ kind: 'accepted' }) : ALONE));
  },
};

export interface Ingesting {
  readonly key: CorrespondentKey;
  readonly ids: readonly number[];
  readonly now: number;
}

/** How many messages each moved. */
export const INGESTING: Coalescible<Ingesting, number> = {
  alone:
    ({ key, ids, now }) =>
    (transaction) =>
      ingest(transaction, key, ids, now),

  async together(transaction, items) {
    const { collections, session } = transaction;
    const chats = await chatsByName(
      transaction,
      items.map(({ key }) => key),
    );
    const found = await collections.journal
      .find({ $or: items.map(({ key, ids }) => placesOf(key, ids)), ...READY }, { session })
      .toArray();
    const byChat = Map.groupBy(found, (entry) => chatName(chatKey(entry)));
    const moves = items.map(({ key, ids, now }) => {
      const name = chatName(key);
      const chat = chats.get(name);
      const byId = new Map(byChat.get(name)?.map((entry) => [entry.id, entry]));
      const entries = [...new Set(ids)].flatMap((id) => byId.get(id) ?? []);
      return { key, ids, now, chat, entries };
    });
    const ordinary = moves.flatMap(({ chat, ...move }) =>
      chat === undefined || move.entries.length === 0 ? [] : [{ ...move, chat }],
    );
    if (ordinary.length === 0) return items.map(() => ALONE);

    await ownChats(
      transaction,
      ordinary.map(({ chat, entries }) => ({ chat, change: { $inc: { next_ingest_seq: entries.length } } })),
    );
    await collections.history.insertMany(
      ordinary.flatMap(({ chat, entries, now }) =>
        entries.map((entry, index) => ({
          ...entry,
          ingest_seq: chat.next_ingest_seq + index,
          ingested_at: now,
        })),
      ),
      { session },
    );
    await deleteReadyOf(transaction, ordinary);
    const moved = new Set(ordinary.map(({ key }) => key));
    return moves.map(({ key, entries }) => (moved.has(key) ? done(entries.length) : ALONE));
  },
};

const keyOf = ({ _id }: MessageIdDocument): MessageIdDocument['_id'] => _id;

/** Those of the chats that this owner may write to. */
async function chatsByName(
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
    { readonly $max: { readonly next_id: number } } | { readonly $inc: { readonly next_ingest_seq: number } };
}

/** S2: as `ownedChat` does for one. What was read is what is written over, or the transaction conflicts. */
async function ownChats(
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
async function deleteReadyOf(
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

const placesOf = (
  key: CorrespondentKey,
  ids: readonly number[],
): ChatFields & { readonly id: { readonly $in: number[] } } => ({
  ...chatFields(key),
  id: { $in: [...ids] },
});
