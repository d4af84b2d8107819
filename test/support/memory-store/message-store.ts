import { claimablePool, jobOfAcceptance } from '../../../src/store/job-records.ts';
import type { MessageStore, SettleOutcome, Settlement } from '../../../src/store/message-store.ts';
import { expectNextId, guidTaken } from '../../../src/store/refusals.ts';
import { isSameChat } from './memory-jobs.ts';
import type { MemoryParts } from './memory-parts.ts';

export const memoryMessageStore = ({ fence, madeClaimable, data }: MemoryParts): MessageStore => ({
  async rehydrate(key) {
    const { nextId, journal } = data().chats.owned(key, fence);
    return { nextId, messages: [...journal.values()].toSorted((a, b) => a.id - b.id) };
  },

  async accept(acceptance) {
    const { correspondent, message, evictedIds } = acceptance;
    const { chats, jobs } = data();
    const job = jobOfAcceptance(acceptance);
    const chat = chats.owned(correspondent, fence);
    const firstId = chats.firstIdOf(chat, message);
    if (firstId !== null) return { kind: 'duplicate', id: firstId };
    expectNextId(correspondent, chat.nextId, message.id);
    if (job !== null && jobs.get(job.guid) !== null) throw guidTaken(job.guid);
    chats.append(chat, message);
    chats.deleteReady(chat, evictedIds);
    if (job !== null) jobs.add(job);
    const pool = job && claimablePool(job);
    if (pool !== null) madeClaimable(pool);
    return { kind: 'accepted' };
  },

  settle: async (settlement) => settle({ fence, data }, settlement),

  async completeAndSettle({ claimToken, words, completedAt, ...settlement }) {
    const { correspondent, guid, error } = settlement;
    const { chats, jobs } = data();
    chats.owned(correspondent, fence);
    if (!jobs.complete({ guid, claimToken }, { words, error }, completedAt)) return 'stale';
    return settle({ fence, data }, settlement);
  },

  async ingest({ correspondent, messages, now }) {
    const { chats } = data();
    const ids = messages.map(({ id }) => id);
    return { ingested: chats.ingest(chats.owned(correspondent, fence), ids, now) };
  },

  async reinstate(key, placeholder, evictedIds) {
    const { chats, jobs } = data();
    const chat = chats.owned(key, fence);
    const job = jobs.get(placeholder.mediaProcessingId);
    if (job === null || job.collection === 'failed' || !isSameChat(job.correspondent, key)) return 'gone';
    if (!chats.reinstate(chat, placeholder)) return 'gone';
    chats.deleteReady(chat, evictedIds);
    return 'reinstated';
  },

  async evict(key, ids) {
    const { chats } = data();
    chats.deleteReady(chats.owned(key, fence), ids);
  },

  async history(key, { afterSeq, limit }) {
    return data()
      .chats.history(key)
      .filter(({ ingestSeq }) => ingestSeq > afterSeq)
      .slice(0, limit);
  },

  async findMessage(key, id) {
    return data().chats.find(key, id);
  },

  async pruneHistory(botId, before) {
    return data().chats.pruneHistory(botId, before);
  },

  async pruneMessageIds(before) {
    return data().chats.forgetMessageIds(before);
  },
});

function settle(
  { fence, data }: Pick<MemoryParts, 'fence' | 'data'>,
  { correspondent, guid, message, evictedIds, error }: Settlement,
): SettleOutcome {
  const { chats, jobs } = data();
  const chat = chats.owned(correspondent, fence);
  jobs.end(guid, error, message.readyTime);
  if (!chats.fulfil(chat, guid, message)) return 'gone';
  chats.deleteReady(chat, evictedIds);
  return 'settled';
}
