import { claimedJob } from '../../../src/store/job-records.ts';
import type { WorkStore } from '../../../src/store/work-store.ts';
import { UNCLAIMED } from './memory-jobs.ts';
import type { MemoryParts } from './memory-parts.ts';

export const memoryWorkStore = ({ newClaimToken, news, data }: MemoryParts): WorkStore => ({
  async claim(request) {
    const job = data().jobs.claim(request, newClaimToken());
    return job && claimedJob(job);
  },

  async heartbeat(claim, leaseExpiresAt) {
    return data().jobs.withClaim(claim, (job) => ({ ...job, leaseExpiresAt }));
  },

  async complete(claim, result, now) {
    const error = result.kind === 'failure' ? result.error : null;
    return data().jobs.complete(claim, { words: result.words, error }, now);
  },

  async release(claim, now) {
    return data().jobs.withClaim(claim, (job) => ({
      ...job,
      ...UNCLAIMED,
      status: 'pending',
      changedAt: now,
    }));
  },

  async postpone(claim, availableAt, error, now) {
    return data().jobs.withClaim(claim, (job) => ({
      ...job,
      ...UNCLAIMED,
      status: 'waiting',
      availableAt,
      error,
      attempts: job.attempts + 1,
      changedAt: now,
    }));
  },

  async reviveJobs(now, maxAttempts) {
    return data().jobs.revive(now, maxAttempts);
  },

  async jobByGuid(guid) {
    return data().jobs.get(guid);
  },

  onClaimable: (listener) => news.listen(listener),
});
