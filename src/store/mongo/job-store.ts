import type { ObjectId } from 'mongodb';
import { inSteps } from '../in-steps.ts';
import type { JobStore } from '../job-store.ts';
import { jobOfDocument } from './job-document.ts';
import { lanesOf, STORE } from './lanes.ts';
import type { MongoParts } from './mongo-parts.ts';
import { discardJob } from './operations/jobs.ts';
import { STAGING } from './operations/staging.ts';
import { countJobs, jobsOfBot, listJobs } from './operations/lists.ts';
import { holdJobs, promoteJobs, type Rerouted, rerouteHeldJobs, sweepJobs } from './operations/moves.ts';
import { expireJob, jobsAmong } from './operations/upkeep.ts';
import type { Transaction } from './transactions.ts';

/** Jobs that are moved in one transaction, far below what a transaction may hold or how long it may take. */
const MOVE_STEP = 500;

/** What moves many jobs is several transactions: each job is moved whole or not at all. */
export function mongoJobStore({ transactions, watches, log }: MongoParts): JobStore {
  const staging = transactions.coalesce(STAGING);
  const moveInSteps = (step: (transaction: Transaction) => Promise<number>): Promise<number> =>
    inSteps(MOVE_STEP, () => transactions.run([], step, [STORE]));
  return {
    stage(guid, staged, now) {
      return staging([lanesOf.guid(guid)], { guid, staged, now });
    },

    discardJob: (guid, error, now) =>
      transactions.run([lanesOf.guid(guid)], (transaction) => discardJob(transaction, guid, error, now)),

    async expireJob(idle, error, now) {
      const expired = await transactions.run(
        [lanesOf.guid(idle.guid)],
        (transaction) => expireJob(transaction, idle, error, now),
        [STORE],
      );
      return expired && jobOfDocument(expired.job, expired.collection);
    },

    sweepToHolding: (now) => moveInSteps((transaction) => sweepJobs(transaction, now, MOVE_STEP)),

    holdJobs: (botId, now) => moveInSteps((transaction) => holdJobs(transaction, botId, now, MOVE_STEP)),

    promoteJobs: (botId, now) =>
      moveInSteps((transaction) => promoteJobs(transaction, botId, now, MOVE_STEP)),

    async rerouteHeldJobs(poolOf) {
      let total = 0;
      for (let afterId: ObjectId | null = null; ;) {
        const step = (transaction: Transaction): Promise<Rerouted> =>
          rerouteHeldJobs(transaction, poolOf, afterId, MOVE_STEP);
        const { moved, lastId } = await transactions.run([], step, [STORE]);
        total += moved;
        if (lastId === null) return total;
        afterId = lastId;
      }
    },

    jobsOfBot: (botId, page) => transactions.read((collections) => jobsOfBot(collections, botId, page, log)),

    jobsAmong: (guids) => transactions.run([], (transaction) => jobsAmong(transaction, guids)),

    listJobs: (query) => transactions.read((collections) => listJobs(collections, query, log)),

    countJobs: () => transactions.read(countJobs),

    onCompleted: (listener) => watches.completed(listener),
  };
}
