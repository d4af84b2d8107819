import { hasCode } from '../../base/errors.ts';
import type { ChatStore } from '../chat-store.ts';
import { pruneHistoryOf } from './message-store.ts';
import { correspondentOfRow } from './rows.ts';
import type { SqliteParts } from './sqlite-parts.ts';

export const sqliteChatStore = ({ writer, reader, clock }: SqliteParts): ChatStore => ({
  async resolveCorrespondent(botId, providerName, identifiers) {
    const now = clock.now();
    return correspondentOfRow(
      await writer.call('resolveCorrespondent', botId, providerName, identifiers, now),
    );
  },

  async chatsNamed(botId, identifier) {
    const rows = await reader.call('chatsNamed', botId, identifier);
    return rows.map(correspondentOfRow);
  },

  async correspondents(botId, page) {
    const rows = await reader.call('correspondents', botId, page);
    return rows.map(correspondentOfRow);
  },

  chatsWithJournal: (botId) => reader.call('chatsWithJournal', botId),

  async forgetChat(key) {
    const ingested = await pruneHistoryOf(writer, key, Number.MAX_SAFE_INTEGER);
    try {
      const { queued, media } = await writer.call('forgetChat', key);
      return { messages: ingested + queued, media };
    } catch (error) {
      if (hasCode(error, 'not_found')) return null;
      throw error;
    }
  },
});
