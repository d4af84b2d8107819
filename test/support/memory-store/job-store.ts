import type { JobStore } from '../../../src/store/job-store.ts';
import type { MemoryParts } from './memory-parts.ts';

export const memoryJobStore = ({ madeClaimable, data }: MemoryParts): JobStore => ({
  async stage(guid, staged, now) {
    const outcome = data().jobs.stage(guid, staged, now);
    madeClaimable(staged.pool);
    return outcome;
  },

  async discardJob(guid, error, now) {
    return data().jobs.end(guid, error, now);
  },

  async expireJob(idle, error, now) {
    return data().jobs.expire(idle, error, now);
  },

  async sweepToHolding(now) {
    const { jobs } = data();
    const active = jobs.all().filter(({ collection }) => collection === 'active');
    return jobs.move(jobs.endLapsed(active, now), 'holding', now);
  },

  async holdJobs(botId, now) {
    const { jobs } = data();
    const active = jobs
      .all()
      .filter(({ correspondent, collection }) => correspondent.botId === botId && collection === 'active');
    return jobs.move(active, 'holding', now);
  },

  async promoteJobs(botId, now) {
    const { jobs } = data();
    const held = jobs
      .all()
      .filter(
        ({ correspondent, collection, status }) =>
          correspondent.botId === botId && collection === 'holding' && status !== 'completed',
      );
    return jobs.move(jobs.endLapsed(held, now), 'active', now);
  },

  async rerouteHeldJobs(poolOf) {
    return data().jobs.reroute(poolOf);
  },

  async jobsOfBot(botId, page) {
    const { collection, statuses, changedBefore = Number.MAX_SAFE_INTEGER, afterSeq, limit } = page;
    const found = data()
      .jobs.all()
      .filter(
        (job) =>
          job.correspondent.botId === botId &&
          job.collection === collection &&
          job.seq > afterSeq &&
          job.changedAt < changedBefore &&
          (statuses === undefined || statuses.includes(job.status)),
      )
      .slice(0, limit);
    return { jobs: found, nextAfterSeq: found.length < limit ? null : (found.at(-1)?.seq ?? null) };
  },

  async jobsAmong(guids) {
    const wanted = new Set(guids);
    return data()
      .jobs.all()
      .filter(({ guid }) => wanted.has(guid))
      .map(({ guid, collection, status, changedAt }) => ({ guid, collection, status, changedAt }));
  },

  async listJobs(query) {
    return data().jobs.page(query);
  },

  async countJobs() {
    return data().jobs.counts();
  },

  onCompleted() {},
});
