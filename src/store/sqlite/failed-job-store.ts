import type { FailedJobStore } from '../failed-job-store.ts';
import { messageJson } from './rows.ts';
import type { SqliteParts } from './sqlite-parts.ts';

export const sqliteFailedJobStore = ({ writer, news }: SqliteParts): FailedJobStore => ({
  dropFailedJob: (guid) => writer.call('dropFailedJob', guid),

  retryFailedJob({ correspondent, placeholder, evictedIds, mimeType, pool, collection }) {
    const { id, mediaProcessingId, acceptedTime: now } = placeholder;
    const retried = writer.call('retryFailedJob', {
      key: correspondent,
      id,
      mediaProcessingId,
      message: messageJson(placeholder),
      evictedIds,
      guid: mediaProcessingId,
      mimeType,
      pool,
      collection,
      now,
    });
    if (collection === 'active') news.tell(pool);
    return retried;
  },
});
