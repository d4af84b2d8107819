import type { Filter } from 'mongodb';
import type { CorrespondentKey } from '../../../jobs/job.ts';
import type { Message } from '../../../queue/message.ts';
import { messageFrom, chatFields, chatKey } from '../../documents.ts';
import { journalRecord, readRecord } from '../../records.ts';
import type { ChatsPage, CorrespondentRecord } from '../../chat-store.ts';
import type {
  CorrespondentDocument,
  MessageIdDocument,
  MetaDocument,
  ReadableCollections,
} from '../collections.ts';
import type { OwnerTransaction, Transaction } from '../transactions.ts';
import { ownedChat, ownNewChat } from './writing.ts';

/**
 * Every identifier names one chat at most; that of a drained chat names the older one it was merged with, which takes
 * its duplicate keys too.
 */
export async function resolveCorrespondent(
  transaction: Transaction,
  botId: string,
  providerName: string,
  identifiers: readonly [string, ...string[]],
  now: number,
): Promise<CorrespondentRecord> {
  const { collections, session } = transaction;
  const known = await collections.correspondents
    .find(
      { bot_id: botId, provider_name: providerName, aliases: { $in: identifiers } },
      { session, sort: { _id: 1 } },
    )
    .toArray();
  const [oldest, ...younger] = known;
  if (oldest === undefined) {
    const key = { botId, providerName, correspondentId: identifiers[0] };
    return recordOf(await makeChat(transaction, key, identifiers, now));
  }
  const { owned } = await ownedChat(transaction, chatKey(oldest));
  for (const chat of younger) await ownedChat(transaction, chatKey(chat));
  const chats = owned.collections.correspondents;
  const { _id } = oldest;
  if (younger.length > 0) {
    const drained = younger.map(({ _id: each }) => each);
    await chats.updateMany({ _id: { $in: drained } }, { $unset: { aliases: 1 } }, { session });
    for (const chat of drained) await moveMessageIds(owned, chat, _id);
  }
  const aliases = [...new Set([...known.flatMap((chat) => chat.aliases ?? []), ...identifiers])];
  if (aliases.length > (oldest.aliases?.length ?? 0)) {
    await chats.updateOne({ _id }, { $set: { aliases } }, { session });
  }
  return recordOf({ ...oldest, aliases });
}

/** What both chats have seen keeps the older one's place. */
async function moveMessageIds(
  { collections: { messageIds }, session }: OwnerTransaction,
  from: number,
  to: number,
): Promise<void> {
  const moved = await messageIds.find(ofChat(from), { session, batchSize: 1_000 }).toArray();
  if (moved.length === 0) return;
  await messageIds.bulkWrite(
    moved.map(({ _id, id, first_seen_at }) => ({
      updateOne: {
        filter: { _id: { ..._id, chat: to } },
        update: { $setOnInsert: { id, first_seen_at } },
        upsert: true,
      },
    })),
    { session },
  );
  await messageIds.deleteMany(ofChat(from), { session });
}

/** A range, for which there is the index on `_id`: an embedded document sorts by its first field first. */
export const ofChat = (chat: number): Filter<MessageIdDocument> => ({
  _id: { $gte: lowestKey(chat), $lt: lowestKey(chat + 1) },
});

const lowestKey = (chat: number): MessageIdDocument['_id'] => ({
  chat,
  provider_message_id: '',
  sender: '',
  from_me: false,
});

async function makeChat(
  transaction: Transaction,
  key: CorrespondentKey,
  identifiers: readonly string[],
  now: number,
): Promise<CorrespondentDocument> {
  // Ids of a forgotten chat, which this one may be once more, are not used twice.
  const { collections, session, fence, nextSeq } = transaction;
  const of: MetaDocument['_id'][] = ['fence', 'first_id', 'first_ingest_seq'];
  const known = await collections.meta.find({ _id: { $in: of } }, { session }).toArray();
  const metaNamed = (name: MetaDocument['_id']) => known.find(({ _id }) => _id === name);
  const chat: CorrespondentDocument = {
    _id: nextSeq(),
    ...chatFields(key),
    aliases: [...new Set(identifiers)],
    next_id: metaNamed('first_id')?.value ?? 1,
    next_ingest_seq: metaNamed('first_ingest_seq')?.value ?? 1,
    fence,
    revision: 0,
    created_at: now,
  };
  await ownNewChat(transaction, chat, metaNamed('fence'));
  return chat;
}

/** S2: the fence is written first, so that what is read after it is final but for this owner's own writes. */
export async function rehydrate(
  transaction: Transaction,
  key: CorrespondentKey,
): Promise<{ readonly nextId: number; readonly messages: readonly Message[] }> {
  const { collections, session } = transaction;
  const { next_id: nextId } = (await ownedChat(transaction, key)).chat;
  const entries = await collections.journal
    .find(chatFields(key), { session, sort: { id: 1 }, batchSize: 1_000 })
    .toArray();
  const messages = entries.map((entry) => readRecord(journalRecord(key, entry.id), () => messageFrom(entry)));
  return { nextId, messages };
}

export async function correspondents(
  collections: ReadableCollections,
  botId: string,
  page?: ChatsPage,
): Promise<CorrespondentRecord[]> {
  const chats = await collections.correspondents
    .find(
      { bot_id: botId },
      { sort: { _id: 1 }, ...(page !== undefined && { skip: page.offset, limit: page.limit }) },
    )
    .toArray();
  return chats.map(recordOf);
}

export async function chatsNamed(
  collections: ReadableCollections,
  botId: string,
  identifier: string,
): Promise<CorrespondentRecord[]> {
  const named = await collections.correspondents.find({ bot_id: botId, aliases: identifier }).toArray();
  const chats: CorrespondentRecord[] = [];
  for (const chat of named) {
    const { _id, provider_name, aliases = [] } = chat;
    const merged = await collections.correspondents
      .find(
        { bot_id: botId, provider_name, correspondent_id: { $in: aliases }, _id: { $ne: _id } },
        { sort: { _id: 1 } },
      )
      .toArray();
    chats.push(...merged.map(recordOf), recordOf(chat));
  }
  return chats;
}

export async function chatsWithJournal(
  collections: ReadableCollections,
  botId: string,
): Promise<CorrespondentKey[]> {
  const fields = {
    bot_id: '$bot_id',
    provider_name: '$provider_name',
    correspondent_id: '$correspondent_id',
  };
  const groups = await collections.journal
    .aggregate<{ readonly _id: Parameters<typeof chatKey>[0] }>([
      { $match: { bot_id: botId } },
      { $group: { _id: fields } },
    ])
    .toArray();
  return groups.map(({ _id }) => chatKey(_id));
}

const recordOf = (chat: CorrespondentDocument): CorrespondentRecord => ({
  ...chatKey(chat),
  aliases: [...new Set([chat.correspondent_id, ...(chat.aliases ?? [])])],
  nextId: chat.next_id,
  nextIngestSeq: chat.next_ingest_seq,
  createdAt: chat.created_at,
});
