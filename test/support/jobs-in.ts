import type { JobCollection, JobStatus, MediaProcessingJob } from '../../src/jobs/job.ts';
import { jobPages } from '../../src/store/job-pages.ts';
import type { Store } from '../../src/store/store.ts';

/** All of a bot's jobs in a collection, in seq order. */
export async function jobsIn(
  store: Store,
  botId: string,
  collection: JobCollection,
  statuses?: readonly JobStatus[],
): Promise<MediaProcessingJob[]> {
  const jobs: MediaProcessingJob[] = [];
  for await (const page of jobPages(store, botId, { collection, ...(statuses && { statuses }) }))
    jobs.push(...page);
  return jobs;
}
