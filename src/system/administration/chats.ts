import { DragomanError } from '../../base/errors.ts';
import type { CorrespondentKey } from '../../jobs/job.ts';
import type { CorrespondentRecord, Store } from '../../store/store.ts';
import { chatName } from '../../store/chat-name.ts';
import type { ChatAddress, ChatsAdministration } from '../administration.ts';
import { assertKnownBot } from './bots.ts';
import { historyViewOf, journeyViewOf, messageViewOf } from './shown.ts';
import type { ChatView } from './views.ts';

export interface ChatsOptions {
  readonly store: Store;
  readonly bots: ReadonlyMap<string, unknown>;
}

/** What needs no running bot. */
export function administerChats({ store, bots }: ChatsOptions): Omit<ChatsAdministration, 'forget'> {
  const ofBot = async (botId: string): Promise<readonly CorrespondentRecord[]> => {
    assertKnownBot(bots, botId);
    return store.correspondents(botId);
  };
  const find = async ({ botId, identifier }: ChatAddress): Promise<CorrespondentRecord> => {
    const found = (await ofBot(botId)).find(({ aliases }) => aliases.includes(identifier));
    if (found === undefined) throw noSuchChat(botId);
    return found;
  };
  /** Without the record: of any number of chats as quick. */
  const keyOf = async ({ botId, identifier }: ChatAddress): Promise<CorrespondentKey> => {
    assertKnownBot(bots, botId);
    const key = (await store.chatsNamed(botId, identifier)).at(-1);
    if (key === undefined) throw noSuchChat(botId);
    return key;
  };
  return {
    async list(botId, { after, limit }) {
      const from = after === undefined ? 0 : Number(after);
      const all = await ofBot(botId);
      const items = all.slice(from, from + limit).map(chatViewOf);
      return { items, next: from + limit < all.length ? String(from + limit) : null };
    },
    show: async (chat) => chatViewOf(await find(chat)),
    async message(chat, id) {
      const key = await keyOf(chat);
      const stored = await store.findMessage(key, id);
      if (stored === null) throw new DragomanError('not_found', `there is no message ${id} in this chat`);
      const guid = stored.message.mediaProcessingId;
      return journeyViewOf(stored, guid === null ? null : await store.jobByGuid(guid));
    },
    async queue(chat) {
      const { messages } = await store.rehydrate(await keyOf(chat));
      return messages.map(messageViewOf);
    },
    async history(chat, { before, limit }) {
      const record = await find(chat);
      const end = Math.min(before ?? record.nextIngestSeq, record.nextIngestSeq);
      const afterSeq = Math.max(end - limit - 1, 0);
      const entries = await store.history(record, { afterSeq, limit: Math.min(limit, end - 1 - afterSeq) });
      return entries.toReversed().map(historyViewOf);
    },
  };
}

const noSuchChat = (botId: string): DragomanError =>
  new DragomanError('not_found', `bot ${botId} has no such chat`);

const chatViewOf = (record: CorrespondentRecord): ChatView => ({
  botId: record.botId,
  providerName: record.providerName,
  correspondentId: record.correspondentId,
  chat: chatName(record),
  aliases: [...record.aliases],
  createdAt: record.createdAt,
  accepted: record.nextId - 1,
  ingested: record.nextIngestSeq - 1,
});
