import type { ChatStore } from '../../../src/store/chat-store.ts';
import type { MemoryParts } from './memory-parts.ts';

export const memoryChatStore = ({ fence, clock, data }: MemoryParts): ChatStore => ({
  async resolveCorrespondent(botId, providerName, identifiers) {
    return data().chats.resolve(botId, providerName, identifiers, { fence, now: clock.now() });
  },

  async chatsNamed(botId, identifier) {
    return data().chats.named(botId, identifier);
  },

  async correspondents(botId, page) {
    const all = data().chats.records(botId);
    return page === undefined ? all : all.slice(page.offset, page.offset + page.limit);
  },

  async chatsWithJournal(botId) {
    return data().chats.withJournal(botId);
  },

  async forgetChat(key) {
    const { chats, jobs } = data();
    if (!chats.has(key)) return null;
    const messages = chats.forget(chats.owned(key, fence));
    const media = jobs.forget(key).map(({ guid, media: { gatewayId } }) => ({ guid, gatewayId }));
    return { messages, media };
  },
});
