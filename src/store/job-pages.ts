import type { MediaProcessingJob } from '../jobs/job.ts';
import type { BotJobsPage, JobStore } from './job-store.ts';

/** Jobs that are in memory at a time, of those that are gone through. */
const PAGE = 500;

/**
 * Goes through a bot's jobs in seq order, a page at a time, however many they are. Jobs that come or go meanwhile may be
 * seen or not.
 */
export async function* jobPages(
  store: Pick<JobStore, 'jobsOfBot'>,
  botId: string,
  which: Omit<BotJobsPage, 'afterSeq' | 'limit'>,
): AsyncGenerator<readonly MediaProcessingJob[]> {
  for (let afterSeq: number | null = 0; afterSeq !== null;) {
    const { jobs, nextAfterSeq }: Awaited<ReturnType<JobStore['jobsOfBot']>> = await store.jobsOfBot(botId, {
      ...which,
      afterSeq,
      limit: PAGE,
    });
    yield jobs;
    afterSeq = nextAfterSeq;
  }
}
