import type { CorrespondentKey } from '../../jobs/job.ts';
import { inSteps } from '../in-steps.ts';
import { claimablePool, jobOfAcceptance } from '../job-records.ts';
import type { MessageStore, Settlement } from '../message-store.ts';
import type { SettlementRow } from './operations/messages.ts';
import {
  errorJson,
  historyEntryOfRow,
  messageJson,
  messageOfRow,
  newJobRow,
  storedMessageOfRow,
} from './rows.ts';
import type { SqliteParts } from './sqlite-parts.ts';

/** Duplicate keys, or messages of the history, that are deleted in one operation. */
const PRUNE_STEP = 2_000;
/** Chats that are named at a time. */
const CHATS_STEP = 1_000;

export const sqliteMessageStore = ({ writer, reader, news }: SqliteParts): MessageStore => ({
  async rehydrate(key) {
    const { nextId, rows } = await writer.call('rehydrate', key);
    return { nextId, messages: rows.map((row) => messageOfRow(key, row)) };
  },

  async accept(acceptance) {
    const { correspondent, message, evictedIds } = acceptance;
    const job = jobOfAcceptance(acceptance);
    const accepted = writer.call('accept', {
      key: correspondent,
      id: message.id,
      acceptedTime: message.acceptedTime,
      mediaProcessingId: message.mediaProcessingId,
      message: messageJson(message),
      sender: message.sender.identifier,
      fromMe: message.direction === 'outgoing',
      providerMessageId: message.providerMessageId,
      evictedIds,
      job: job && newJobRow(job, message),
    });
    const pool = job && claimablePool(job);
    if (pool !== null) news.tell(pool);
    return accepted;
  },

  settle: (settlement) => writer.call('settle', settlementRow(settlement)),

  completeAndSettle: ({ claimToken, words, completedAt, ...settlement }) =>
    writer.call('completeAndSettle', { ...settlementRow(settlement), claimToken, words, completedAt }),

  async ingest({ correspondent, messages, now }) {
    const ids = messages.map(({ id }) => id);
    return { ingested: await writer.call('ingest', correspondent, ids, now) };
  },

  reinstate(key, placeholder, evictedIds) {
    const { id, mediaProcessingId: guid } = placeholder;
    return writer.call('reinstate', { key, id, guid, message: messageJson(placeholder), evictedIds });
  },

  evict: (key, ids) => writer.call('evict', key, ids),

  async history(key, { afterSeq, limit }) {
    const rows = await reader.call('history', key, afterSeq, limit);
    return rows.map((row) => historyEntryOfRow(key, row));
  },

  async findMessage(key, id) {
    const row = await reader.call('findMessage', key, id);
    return row === undefined ? null : storedMessageOfRow(key, row);
  },

  async pruneHistory(botId, before) {
    let pruned = 0;
    for (let afterChat = 0; ;) {
      const chats = await reader.call('chatsAfter', botId, afterChat, CHATS_STEP);
      for (const chat of chats) pruned += await pruneHistoryOf(writer, { botId, ...chat }, before);
      const last = chats.at(-1);
      if (last === undefined || chats.length < CHATS_STEP) return pruned;
      afterChat = last.chat;
    }
  },

  pruneMessageIds: (before) => inSteps(PRUNE_STEP, () => writer.call('pruneMessageIds', before, PRUNE_STEP)),
});

const settlementRow = ({ correspondent, guid, message, evictedIds, error }: Settlement): SettlementRow => ({
  key: correspondent,
  guid,
  id: message.id,
  readyTime: message.readyTime,
  message: messageJson(message),
  evictedIds,
  error: errorJson(error),
});

/** Deletes what a chat has in its history before a time. Returns how many messages went. */
export function pruneHistoryOf(
  writer: SqliteParts['writer'],
  { botId, providerName, correspondentId }: CorrespondentKey,
  before: number,
): Promise<number> {
  const key = { botId, providerName, correspondentId };
  return inSteps(PRUNE_STEP, () => writer.call('pruneHistory', key, before, PRUNE_STEP));
}
