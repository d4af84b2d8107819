import type { FailedJobStore } from '../failed-job-store.ts';
import { lanesOf, STORE } from './lanes.ts';
import type { MongoParts } from './mongo-parts.ts';
import { dropFailedJob } from './operations/failed-jobs.ts';
import { retryFailedJob } from './operations/messages.ts';

export const mongoFailedJobStore = ({ transactions, news, serverClock }: MongoParts): FailedJobStore => ({
  dropFailedJob: (guid) =>
    transactions.run([lanesOf.guid(guid)], (transaction) => dropFailedJob(transaction, guid), [STORE]),

  async retryFailedJob(retry) {
    const { correspondent, placeholder, pool, collection } = retry;
    const retriedAt = serverClock.toServer(placeholder.acceptedTime);
    const lanes = [lanesOf.chat(correspondent), lanesOf.guid(placeholder.mediaProcessingId)];
    const outcome = await transactions.run(
      lanes,
      (transaction) => retryFailedJob(transaction, retry, retriedAt),
      [pool],
    );
    if (collection === 'active') news.tell(pool);
    return outcome;
  },
});
