import type { FailedJobStore } from '../../../src/store/failed-job-store.ts';
import { expectNextId } from '../../../src/store/refusals.ts';
import { isSameChat } from './memory-jobs.ts';
import type { MemoryParts } from './memory-parts.ts';

export const memoryFailedJobStore = ({ fence, madeClaimable, data }: MemoryParts): FailedJobStore => ({
  async dropFailedJob(guid) {
    return data().jobs.drop(guid);
  },

  async retryFailedJob(retry) {
    const { correspondent, placeholder, evictedIds } = retry;
    const { chats, jobs } = data();
    const chat = chats.owned(correspondent, fence);
    const job = jobs.get(placeholder.mediaProcessingId);
    if (job === null || !isSameChat(job.correspondent, correspondent)) return 'not_found';
    if (job.collection !== 'failed') return 'not_failed';
    expectNextId(correspondent, chat.nextId, placeholder.id);
    chats.enqueue(chat, placeholder);
    chats.deleteReady(chat, evictedIds);
    jobs.retry(job, retry);
    if (retry.collection === 'active') madeClaimable(retry.pool);
    return 'retried';
  },
});
