import { readSound } from '../records.ts';
import { claimedJob, POISON } from '../job-records.ts';
import type { ClaimHandle, WorkStore } from '../work-store.ts';
import { errorJson, jobOfRow } from './rows.ts';
import type { SqliteParts } from './sqlite-parts.ts';

export const sqliteWorkStore = ({ writer, news, log }: SqliteParts): WorkStore => ({
  async claim(request) {
    const row = await writer.call('claim', request);
    return row === undefined ? null : claimedJob(jobOfRow(row));
  },

  heartbeat: (claim, leaseExpiresAt) => writer.call('heartbeat', handleOf(claim), leaseExpiresAt),

  complete(claim, result, now) {
    const error = result.kind === 'failure' ? errorJson(result.error) : null;
    return writer.call('complete', handleOf(claim), { words: result.words, error }, now);
  },

  release: (claim, now) => writer.call('release', handleOf(claim), now),

  postpone: (claim, availableAt, error, now) =>
    writer.call('postpone', handleOf(claim), availableAt, errorJson(error), now),

  async reviveJobs(now, maxAttempts) {
    const poison = JSON.stringify(POISON);
    const { pools, poisoned, nextDueAt } = await writer.call('reviveJobs', now, maxAttempts, poison);
    return { pools, poisoned: readSound(poisoned, jobOfRow, log), nextDueAt };
  },

  async jobByGuid(guid) {
    const row = await writer.call('jobByGuid', guid);
    return row === undefined ? null : jobOfRow(row);
  },

  onClaimable: (listener) => news.listen(listener),
});

/** Callers may pass the whole claimed job, of which the thread needs no copy. */
const handleOf = ({ guid, claimToken }: ClaimHandle): ClaimHandle => ({ guid, claimToken });
