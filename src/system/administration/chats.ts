import { DragomanError } from '../../base/errors.ts';
import type { ChatStore, CorrespondentRecord } from '../../store/chat-store.ts';
import { chatName } from '../../store/chat-name.ts';
import type { MessageStore } from '../../store/message-store.ts';
import { chatTitleIn } from '../../queue/message.ts';
import type { WorkStore } from '../../store/work-store.ts';
import type { ChatAddress, ChatsAdministration } from '../administration.ts';
import { chatsMeantBy } from '../chats-meant.ts';
import { assertKnownBot, noSuchChat } from './known-names.ts';
import { numberIn } from './cursor.ts';
import { historyViewOf, journeyViewOf, messageViewOf } from './shown.ts';
import type { ChatView } from './views.ts';

export interface ChatsOptions {
  readonly store: ChatStore & MessageStore & Pick<WorkStore, 'jobByGuid'>;
  readonly bots: ReadonlyMap<string, unknown>;
}

/**
 * The latest entries of a history in which a chat's name is looked for: as a rule the first few tell it, and a bot that wrote
 * a lot since leaves some more to be looked at.
 */
const TELLING = [5, 100];

/** What needs no running bot. */
export function administerChats({ store, bots }: ChatsOptions): Omit<ChatsAdministration, 'forget'> {
  const find = async ({ botId, identifier }: ChatAddress): Promise<CorrespondentRecord> => {
    assertKnownBot(bots, botId);
    const found = (await chatsMeantBy(store, botId, identifier)).chats.at(-1);
    if (found === undefined) throw noSuchChat(botId);
    return found;
  };
  const titleOf = async (record: CorrespondentRecord): Promise<string | null> => {
    for (const limit of TELLING) {
      const afterSeq = Math.max(record.nextIngestSeq - 1 - limit, 0);
      const latest = await store.history(record, { afterSeq, limit });
      const telling = latest.findLast(({ message }) => chatTitleIn(message) !== null);
      if (telling !== undefined) return chatTitleIn(telling.message);
      if (afterSeq === 0) return null;
    }
    return null;
  };
  const viewOf = async (record: CorrespondentRecord): Promise<ChatView> => ({
    ...chatViewOf(record),
    title: await titleOf(record),
  });
  return {
    async list(botId, { after, limit }) {
      assertKnownBot(bots, botId);
      const offset = after === undefined ? 0 : numberIn(after);
      const found = await store.correspondents(botId, { offset, limit: limit + 1 });
      const next = found.length > limit ? String(offset + limit) : null;
      return { items: await Promise.all(found.slice(0, limit).map(viewOf)), next };
    },
    show: async (chat) => viewOf(await find(chat)),
    async message(chat, id) {
      const key = await find(chat);
      const stored = await store.findMessage(key, id);
      if (stored === null) throw new DragomanError('not_found', `there is no message ${id} in this chat`);
      const guid = stored.message.mediaProcessingId;
      return journeyViewOf(stored, guid === null ? null : await store.jobByGuid(guid));
    },
    async queue(chat) {
      const { messages } = await store.rehydrate(await find(chat));
      return messages.map(messageViewOf);
    },
    async history(chat, { before, after, limit }) {
      const record = await find(chat);
      if (after !== undefined) {
        return (await store.history(record, { afterSeq: after, limit })).map(historyViewOf);
      }
      const end = Math.min(before ?? record.nextIngestSeq, record.nextIngestSeq);
      const afterSeq = Math.max(end - limit - 1, 0);
      const entries = await store.history(record, { afterSeq, limit: Math.min(limit, end - 1 - afterSeq) });
      return entries.toReversed().map(historyViewOf);
    },
  };
}

const chatViewOf = (record: CorrespondentRecord): Omit<ChatView, 'title'> => ({
  botId: record.botId,
  providerName: record.providerName,
  correspondentId: record.correspondentId,
  chat: chatName(record),
  aliases: [...record.aliases],
  createdAt: record.createdAt,
  nextId: record.nextId,
  nextIngestSeq: record.nextIngestSeq,
});
