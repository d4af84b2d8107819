import PQueue from 'p-queue';
import { batchesOf } from '../base/batches.ts';
import type { Clock } from '../base/clock.ts';
import { describeError, isRetryable } from '../base/errors.ts';
import type { Guid } from '../base/ids.ts';
import type { Logger } from '../base/log.ts';
import type { CorrespondentKey, JobStatus, MediaProcessingJob } from '../jobs/job.ts';
import { failureWords } from '../jobs/words.ts';
import { jobPages } from '../store/job-pages.ts';
import type { Chat, Outcome } from './chat-protocol.ts';
import type { SharedServices } from './chat-services.ts';
import { storedCompletion } from './completion.ts';
import { runRecovery } from './recovery-steps.ts';

export interface BotRecoveryOptions {
  readonly botId: string;
  readonly services: Pick<SharedServices, 'store' | 'reviveJobs' | 'releaseFile'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** The actor of a chat, made when there is none. */
  readonly open: (key: CorrespondentKey) => Promise<Chat>;
}

/** Chats that are looked at side by side; the store commits them as groups. */
const CONCURRENT_CHATS = 32;
/** Placeholders whose jobs are looked for at a time. */
const GUIDS_PER_LOOK = 500;

interface OwnedPlaceholder {
  readonly key: CorrespondentKey;
  readonly guid: Guid;
  /** The id of its message. */
  readonly place: number;
}

/**
 * Brings a bot's chats and jobs back together, step by step. Every step may be cut off and run again, and may run while
 * messages and results come in: what it finds out of date, the chats and the store refuse. Of jobs, a page at a time is
 * in memory.
 *   1 rehydrate  chats with a journal come back; what is ready in them is announced
 *   2 inject     jobs whose placeholder is missing put it back
 *   3 repair     placeholders without a job become a text that says so
 *   4 revive     jobs whose worker died count that attempt; one that killed too many is completed
 *   5 promote    what is not completed becomes claimable
 *   6 reap       results that waited for the bot are settled, those too that became durable meanwhile
 * Rejects with what may pass, so that it can be run again. A chat that fails for good is logged and left out.
 */
export async function recoverBot(options: BotRecoveryOptions): Promise<void> {
  const { botId, services, clock, log } = options;
  const placeholders: OwnedPlaceholder[] = [];
  await runRecovery({ clock, log: log.child({ bot_id: botId }), title: 'bot recovered' }, [
    { name: 'rehydrate', run: () => rehydrate(options, placeholders) },
    { name: 'inject', run: () => inject(options, placeholders) },
    { name: 'repair', run: () => repair(options, placeholders) },
    { name: 'revive', run: () => services.reviveJobs() },
    { name: 'promote', run: () => services.store.promoteJobs(botId, clock.now()) },
    { name: 'reap', run: () => reap(options) },
  ]);
}

/** The first step alone: what is ready goes on its way, whether the bot is connected or not. */
export async function rehydrateBot(options: BotRecoveryOptions): Promise<void> {
  await rehydrate(options, []);
}

/** Adds the placeholders that it meets to `placeholders`. */
async function rehydrate(options: BotRecoveryOptions, placeholders: OwnedPlaceholder[]): Promise<number> {
  const keys = await options.services.store.chatsWithJournal(options.botId);
  return sideBySide(options, keys, async (key) => {
    const chat = await options.open(key);
    for (const { id: place, mediaProcessingId: guid } of await chat.ask('wake', undefined)) {
      placeholders.push({ key, guid, place });
    }
  });
}

async function inject(
  options: BotRecoveryOptions,
  placeholders: readonly OwnedPlaceholder[],
): Promise<number> {
  const present = new Set(placeholders.map(({ guid }) => guid));
  let injected = 0;
  for await (const jobs of livePages(options)) {
    const missing = jobs.filter(({ guid }) => !present.has(guid));
    injected += await sideBySide(options, missing, async ({ correspondent, placeholder }) => {
      const chat = await options.open(correspondent);
      await chat.ask('inject', placeholder);
    });
  }
  return injected;
}

async function repair(
  options: BotRecoveryOptions,
  placeholders: readonly OwnedPlaceholder[],
): Promise<number> {
  let repaired = 0;
  for (const some of batchesOf(placeholders, GUIDS_PER_LOOK)) {
    const jobs = await options.services.store.jobsAmong(some.map(({ guid }) => guid));
    const live = new Set(jobs.filter(({ collection }) => collection !== 'failed').map(({ guid }) => guid));
    const orphans = some.filter(({ guid }) => !live.has(guid));
    repaired += await sideBySide(options, orphans, async (orphan) => {
      const chat = await options.open(orphan.key);
      await chat.ask('settle', orphaned(orphan));
    });
  }
  return repaired;
}

async function reap(options: BotRecoveryOptions): Promise<number> {
  let reaped = 0;
  for await (const jobs of livePages(options, ['completed'])) {
    reaped += await sideBySide(options, jobs, async (job) => {
      const completion = storedCompletion(job);
      // Before the job goes, so that a file that outlives a crash is found again by its job.
      await options.services.releaseFile(completion);
      const chat = await options.open(job.correspondent);
      await chat.ask('settle', completion);
    });
  }
  return reaped;
}

async function* livePages(
  { botId, services: { store } }: BotRecoveryOptions,
  statuses?: readonly JobStatus[],
): AsyncGenerator<readonly MediaProcessingJob[]> {
  const which = statuses === undefined ? {} : { statuses };
  yield* jobPages(store, botId, { collection: 'holding', ...which });
  yield* jobPages(store, botId, { collection: 'active', ...which });
}

/** For its place alone: should its job, which failed, be retried meanwhile, that try has an outcome of its own. */
const orphaned = ({ guid, place }: OwnedPlaceholder): Outcome => ({
  guid,
  place,
  words: failureWords('orphaned', ''),
  error: { code: 'orphaned', reason: 'the placeholder had no job', stack: null },
});

/** Does `work` for every item; returns for how many it was done. */
async function sideBySide<T>(
  { botId, log }: BotRecoveryOptions,
  items: readonly T[],
  work: (item: T) => Promise<void>,
): Promise<number> {
  let done = 0;
  const tasks = items.map((item) => async () => {
    try {
      await work(item);
      done += 1;
    } catch (error) {
      if (isRetryable(error)) throw error;
      log.error({ bot_id: botId, reason: describeError(error) }, 'a chat was left out of the recovery');
    }
  });
  const lane = new PQueue({ concurrency: CONCURRENT_CHATS });
  try {
    await lane.addAll(tasks);
  } finally {
    lane.clear();
  }
  return done;
}
