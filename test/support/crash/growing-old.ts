import type { Store } from '../../../src/store/store.ts';

/** The bot in whose chats nothing overtakes a medium, and that is started when all has come to rest. */
export const STRICT_BOT = 'strict';

/**
 * What is planted in the strict bot's chats grows too old within seconds. What people say does not: to the janitor its job has
 * just changed, however long a busy machine takes for it.
 */
export function keepWhatIsSaid(store: Store): void {
  const expireJob = store.expireJob.bind(store);
  store.expireJob = async (job, ...rest) => {
    const found = await store.jobByGuid(job.guid);
    return found?.correspondent.botId === STRICT_BOT ? expireJob(job, ...rest) : null;
  };
}
