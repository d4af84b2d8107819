import { hasCode } from '../../base/errors.ts';
import type { CorrespondentKey } from '../../jobs/job.ts';
import { inSteps } from '../in-steps.ts';
import { claimablePool, jobOfAcceptance, type UnplacedJob } from '../job-records.ts';
import type { Acceptance, MessageStore, Settlement } from '../message-store.ts';
import { lanesOf, STORE } from './lanes.ts';
import type { MongoParts } from './mongo-parts.ts';
import { rehydrate } from './operations/chats.ts';
import { ACCEPTING_MEDIA, ACCEPTING_TEXTS } from './operations/accepting.ts';
import { INGESTING } from './operations/ingesting.ts';
import { evict, findMessage, history, reinstate } from './operations/messages.ts';
import { SETTLING } from './operations/settling.ts';
import { chatsAfter, endOfHistoryBefore, pruneHistory, pruneMessageIds } from './operations/upkeep.ts';
import type { ServerClock } from './server-clock.ts';
import type { Transactions } from './transactions.ts';

/** Duplicate keys, or messages of the history, that are deleted in one operation. */
export const PRUNE_STEP = 2_000;
/** Chats that are named at a time. */
const CHATS_STEP = 1_000;

/** Messages that are accepted, settled or ingested at the same time share a transaction. */
export function mongoMessageStore({ transactions, serverClock, news }: MongoParts): MessageStore {
  const toServer = (at: number): number => serverClock.toServer(at);
  const acceptText = transactions.coalesce(ACCEPTING_TEXTS);
  const acceptMedium = transactions.coalesce(ACCEPTING_MEDIA);
  const settle = transactions.coalesce(SETTLING);
  const ingest = transactions.coalesce(INGESTING);
  return {
    rehydrate: (key) => transactions.run([lanesOf.chat(key)], (transaction) => rehydrate(transaction, key)),

    async accept(acceptance) {
      const job = newJob(acceptance, serverClock);
      const accepting = { acceptance, job, seq: transactions.nextSeq() };
      const chat = lanesOf.chat(acceptance.correspondent);
      if (job === null) return acceptText([chat], accepting);
      const outcome = await acceptMedium([chat, lanesOf.guid(job.guid)], accepting);
      const pool = claimablePool(job);
      if (pool !== null) news.tell(pool);
      return outcome;
    },

    async settle(settlement) {
      const settling = { settlement, claim: null, endedAt: toServer(settlement.message.readyTime) };
      const settled = await settle(lanesOfSettlement(settlement), settling);
      return settled === 'settled' ? settled : 'gone';
    },

    completeAndSettle(settlement) {
      const claim = { ...settlement, completedAt: toServer(settlement.completedAt) };
      const settling = { settlement, claim, endedAt: toServer(settlement.message.readyTime) };
      return settle(lanesOfSettlement(settlement), settling);
    },

    async ingest({ correspondent, messages, now }) {
      const ids = messages.map(({ id }) => id);
      const ingested = await ingest([lanesOf.chat(correspondent)], { key: correspondent, ids, now });
      return { ingested };
    },

    reinstate(key, placeholder, evictedIds) {
      const lanes = [lanesOf.chat(key), lanesOf.guid(placeholder.mediaProcessingId)];
      return transactions.run(lanes, (transaction) => reinstate(transaction, key, placeholder, evictedIds));
    },

    evict: (key, ids) => transactions.run([lanesOf.chat(key)], (transaction) => evict(transaction, key, ids)),

    history: (key, { afterSeq, limit }) =>
      transactions.read((collections) => history(collections, key, afterSeq, limit)),

    findMessage: (key, id) => transactions.read((collections) => findMessage(collections, key, id)),

    async pruneHistory(botId, before) {
      let pruned = 0;
      for (let after = 0; ;) {
        const chats = await transactions.read((collections) =>
          chatsAfter(collections, botId, after, CHATS_STEP),
        );
        for (const { key } of chats) pruned += await pruneHistoryOf(transactions, key, before);
        const last = chats.at(-1);
        if (last === undefined || chats.length < CHATS_STEP) return pruned;
        after = last.chat;
      }
    },

    pruneMessageIds: (before) =>
      inSteps(PRUNE_STEP, () =>
        transactions.run([], (transaction) => pruneMessageIds(transaction, before, PRUNE_STEP), [STORE]),
      ),
  };
}

/** With the times that change, by the server's clock. */
function newJob(acceptance: Acceptance, serverClock: ServerClock): UnplacedJob | null {
  const job = jobOfAcceptance(acceptance);
  if (job === null) return null;
  const { changedAt, stagedAt } = job;
  return {
    ...job,
    changedAt: serverClock.toServer(changedAt),
    stagedAt: stagedAt === null ? null : serverClock.toServer(stagedAt),
  };
}

const lanesOfSettlement = ({ correspondent, guid }: Settlement) => [
  lanesOf.chat(correspondent),
  lanesOf.guid(guid),
];

/** Deletes what a chat has in its history before a time. Returns how many messages went. */
export const pruneHistoryOf = (
  transactions: Transactions,
  key: CorrespondentKey,
  before: number,
): Promise<number> =>
  inSteps(PRUNE_STEP, async () => {
    const upToSeq = await transactions.read((collections) =>
      endOfHistoryBefore(collections, key, before, PRUNE_STEP),
    );
    if (upToSeq === null) return 0;
    try {
      return await transactions.run([lanesOf.chat(key)], (transaction) =>
        pruneHistory(transaction, key, upToSeq),
      );
    } catch (error) {
      // Forgotten meanwhile.
      if (hasCode(error, 'not_found')) return 0;
      throw error;
    }
  });
