import type { Logger } from '../../../base/log.ts';
import { JOB_COLLECTIONS } from '../../../jobs/job.ts';
import { readSound } from '../../records.ts';
import type { BotJobs, BotJobsPage, JobCount, JobPage, JobQuery } from '../../job-store.ts';
import type { ReadableCollections } from '../collections.ts';
import { jobOfDocument } from '../job-document.ts';

/** What lists jobs. */

export async function jobsOfBot(
  { jobs }: ReadableCollections,
  botId: string,
  { collection, statuses, changedBefore, afterSeq, limit }: BotJobsPage,
  log: Logger,
): Promise<BotJobs> {
  const filter = {
    bot_id: botId,
    seq: { $gt: afterSeq },
    ...(statuses && { status: { $in: statuses } }),
    ...(changedBefore !== undefined && { changed_at: { $lt: changedBefore } }),
  };
  const found = await jobs[collection].find(filter, { sort: { seq: 1 }, limit, batchSize: limit }).toArray();
  return {
    jobs: readSound(found, (job) => jobOfDocument(job, collection), log),
    nextAfterSeq: found.length < limit ? null : (found.at(-1)?.seq ?? null),
  };
}

export async function listJobs(
  { jobs }: ReadableCollections,
  { collection, filter: { botId, pool, status }, beforeSeq, limit }: JobQuery,
  log: Logger,
): Promise<JobPage> {
  const filter = {
    ...(botId !== undefined && { bot_id: botId }),
    ...(pool !== undefined && { pool }),
    ...(status !== undefined && { status }),
    ...(beforeSeq !== null && { seq: { $lt: beforeSeq } }),
  };
  const found = await jobs[collection].find(filter, { sort: { seq: -1 }, limit: limit + 1 }).toArray();
  const page = found.slice(0, limit);
  return {
    jobs: readSound(page, (job) => jobOfDocument(job, collection), log),
    nextBeforeSeq: found.length > limit ? (page.at(-1)?.seq ?? null) : null,
  };
}

interface JobGroup {
  readonly _id: Pick<JobCount, 'pool' | 'status'>;
  readonly count: number;
  readonly oldest_created_at: number;
}

export async function countJobs({ jobs }: ReadableCollections): Promise<JobCount[]> {
  const counts = JOB_COLLECTIONS.map(async (collection) => {
    const groups = await jobs[collection]
      .aggregate<JobGroup>([
        {
          $group: {
            _id: { pool: '$pool', status: '$status' },
            count: { $sum: 1 },
            oldest_created_at: { $min: '$created_at' },
          },
        },
      ])
      .toArray();
    return groups.map(({ _id: { pool, status }, count, oldest_created_at: oldestCreatedAt }) => ({
      pool,
      collection,
      status,
      count,
      oldestCreatedAt,
    }));
  });
  return (await Promise.all(counts)).flat();
}
