import type { ObjectId } from 'mongodb';
import type { MediaProcessingJob } from '../../jobs/job.ts';
import { inSteps } from '../in-steps.ts';
import type { JobStore } from '../job-store.ts';
import { jobOfDocument } from './job-document.ts';
import { lanesOf, STORE } from './lanes.ts';
import type { MongoParts } from './mongo-parts.ts';
import { discardJob } from './operations/jobs.ts';
import { STAGING } from './operations/staging.ts';
import { countJobs, jobsOfBot, listJobs } from './operations/job-collections.ts';
import { holdJobs, promoteJobs, type Rerouted, rerouteHeldJobs, sweepJobs } from './operations/moves.ts';
import { expireJob, jobsAmong } from './operations/upkeep.ts';
import type { Transaction } from './transactions.ts';

/** Jobs that are moved in one transaction, far below what a transaction may hold or how long it may take. */
const MOVE_STEP = 500;

/** What moves many jobs is several transactions: each job is moved whole or not at all. */
export function mongoJobStore({ transactions, watches, news, serverClock, log }: MongoParts): JobStore {
  const toServer = (at: number): number => serverClock.toServer(at);
  const toHost = (job: MediaProcessingJob): MediaProcessingJob => serverClock.jobToHost(job);
  const staging = transactions.coalesce(STAGING);
  const moveInSteps = (step: (transaction: Transaction) => Promise<number>): Promise<number> =>
    inSteps(MOVE_STEP, () => transactions.run([], step, [STORE]));
  return {
    async stage(guid, staged, now) {
      const outcome = await staging([lanesOf.guid(guid)], { guid, staged, now: toServer(now) });
      news.tell(staged.pool);
      return outcome;
    },

    discardJob: (guid, error, now) =>
      transactions.run([lanesOf.guid(guid)], (transaction) =>
        discardJob(transaction, guid, error, toServer(now)),
      ),

    async expireJob({ guid, changedAt }, error, now) {
      const idle = { guid, changedAt: toServer(changedAt) };
      const expired = await transactions.run(
        [lanesOf.guid(guid)],
        (transaction) => expireJob(transaction, idle, error, toServer(now)),
        [STORE],
      );
      return expired && toHost(jobOfDocument(expired.job, expired.collection));
    },

    sweepToHolding: (now) => moveInSteps((transaction) => sweepJobs(transaction, toServer(now), MOVE_STEP)),

    holdJobs: (botId, now) =>
      moveInSteps((transaction) => holdJobs(transaction, botId, toServer(now), MOVE_STEP)),

    promoteJobs: (botId, now) =>
      moveInSteps((transaction) => promoteJobs(transaction, botId, toServer(now), MOVE_STEP)),

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

    async jobsOfBot(botId, { changedBefore, ...page }) {
      const asked = {
        ...page,
        ...(changedBefore !== undefined && { changedBefore: toServer(changedBefore) }),
      };
      const found = await transactions.read((collections) => jobsOfBot(collections, botId, asked, log));
      return { ...found, jobs: found.jobs.map(toHost) };
    },

    async jobsAmong(guids) {
      const traces = await transactions.run([], (transaction) => jobsAmong(transaction, guids));
      return traces.map((trace) => ({ ...trace, changedAt: serverClock.toHost(trace.changedAt) }));
    },

    async listJobs(query) {
      const found = await transactions.read((collections) => listJobs(collections, query, log));
      return { ...found, jobs: found.jobs.map(toHost) };
    },

    countJobs: () => transactions.read(countJobs),

    onCompleted: (listener) => watches.completed(listener),
  };
}
