import type { DeadLetterStore } from '../dead-letter-store.ts';
import { lanesOf, STORE } from './lanes.ts';
import type { MongoParts } from './mongo-parts.ts';
import { dropFailedJob } from './operations/dead-letters.ts';
import { retryFailedJob } from './operations/messages.ts';

export const mongoDeadLetterStore = ({ transactions, serverClock }: MongoParts): DeadLetterStore => ({
  dropFailedJob: (guid) =>
    transactions.run([lanesOf.guid(guid)], (transaction) => dropFailedJob(transaction, guid), [STORE]),

  retryFailedJob(retry) {
    const { correspondent, placeholder, pool } = retry;
    const retriedAt = serverClock.toServer(placeholder.acceptedTime);
    const lanes = [lanesOf.chat(correspondent), lanesOf.guid(placeholder.mediaProcessingId)];
    return transactions.run(lanes, (transaction) => retryFailedJob(transaction, retry, retriedAt), [pool]);
  },
});
