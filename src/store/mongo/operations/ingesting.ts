import type { CorrespondentKey } from '../../../jobs/job.ts';
import { chatName } from '../../chat-name.ts';
import type { Coalescible } from '../coalescing.ts';
import { READY } from '../collections.ts';
import { chatKey } from '../../documents.ts';
import { ALONE, chatsByName, deleteReadyOf, done, placesOf } from './chats-together.ts';
import { ingest } from './messages.ts';
import { ownedChats } from './writing.ts';

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

    const owned = await ownedChats(
      transaction,
      ordinary.map(({ chat, entries }) => ({ chat, change: { $inc: { next_ingest_seq: entries.length } } })),
    );
    await owned.collections.history.insertMany(
      ordinary.flatMap(({ chat, entries, now }) =>
        entries.map((entry, index) => ({
          ...entry,
          ingest_seq: chat.next_ingest_seq + index,
          ingested_at: now,
        })),
      ),
      { session },
    );
    await deleteReadyOf(owned, ordinary);
    const moved = new Set(ordinary.map(({ key }) => key));
    return moves.map(({ key, entries }) => (moved.has(key) ? done(entries.length) : ALONE));
  },
};
