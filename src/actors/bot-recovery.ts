import PQueue from 'p-queue';
import type { Clock } from '../base/clock.ts';
import { describeError, isRetryable } from '../base/errors.ts';
import type { Guid } from '../base/ids.ts';
import type { Logger } from '../base/log.ts';
import type { CorrespondentKey, JobStatus, MediaProcessingJob } from '../jobs/job.ts';
import { failureWords } from '../jobs/words.ts';
import type { Chat, Outcome } from './chat-protocol.ts';
import type { SharedServices } from './chat-services.ts';
import { storedCompletion } from './completion.ts';

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

interface OwnedPlaceholder {
  readonly key: CorrespondentKey;
  readonly guid: Guid;
}

/**
 * Brings a bot's chats and jobs back together, step by step. Every step may be cut off and run again, and may run while
 * messages and results come in: what it finds out of date, the chats and the store refuse.
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
  const { store } = services;
  const startedAt = clock.now();
  const placeholders = await rehydrateBot(options);
  const jobs = await liveJobs(options);
  const injected = await inject(options, placeholders, jobs);
  const repaired = await repair(options, placeholders, jobs);
  await services.reviveJobs();
  const promoted = await store.promoteJobs(botId, clock.now());
  const reaped = await reap(options);
  const counts = { placeholders: placeholders.length, injected, repaired, reaped, promoted };
  log.info({ bot_id: botId, ...counts, duration_ms: clock.now() - startedAt }, 'bot recovered');
}

/** The first step alone: what is ready goes on its way, whether the bot is connected or not. */
export async function rehydrateBot(options: BotRecoveryOptions): Promise<readonly OwnedPlaceholder[]> {
  const placeholders: OwnedPlaceholder[] = [];
  const keys = await options.services.store.chatsWithJournal(options.botId);
  await sideBySide(options, keys, async (key) => {
    const chat = await options.open(key);
    for (const guid of await chat.ask('wake', undefined)) placeholders.push({ key, guid });
  });
  return placeholders;
}

function inject(
  options: BotRecoveryOptions,
  placeholders: readonly OwnedPlaceholder[],
  jobs: readonly MediaProcessingJob[],
): Promise<number> {
  const present = new Set(placeholders.map(({ guid }) => guid));
  const missing = jobs.filter(({ guid }) => !present.has(guid));
  return sideBySide(options, missing, async ({ correspondent, placeholder }) => {
    const chat = await options.open(correspondent);
    await chat.ask('inject', placeholder);
  });
}

async function repair(
  options: BotRecoveryOptions,
  placeholders: readonly OwnedPlaceholder[],
  jobs: readonly MediaProcessingJob[],
): Promise<number> {
  const live = new Set(jobs.map(({ guid }) => guid));
  const suspects = placeholders.filter(({ guid }) => !live.has(guid));
  const orphans: OwnedPlaceholder[] = [];
  await sideBySide(options, suspects, async (suspect) => {
    // The list was read collection by collection, and a job may have moved meanwhile.
    const job = await options.services.store.jobByGuid(suspect.guid);
    if (job === null || job.collection === 'failed') orphans.push(suspect);
  });
  return sideBySide(options, orphans, async ({ key, guid }) => {
    const chat = await options.open(key);
    await chat.ask('settle', orphaned(guid));
  });
}

async function reap(options: BotRecoveryOptions): Promise<number> {
  const completed = await liveJobs(options, ['completed']);
  return sideBySide(options, completed, async (job) => {
    const completion = storedCompletion(job);
    // Before the job goes, so that a file that outlives a crash is found again by its job.
    await options.services.releaseFile(completion);
    const chat = await options.open(job.correspondent);
    await chat.ask('settle', completion);
  });
}

async function liveJobs(
  { botId, services: { store } }: BotRecoveryOptions,
  statuses?: readonly JobStatus[],
): Promise<readonly MediaProcessingJob[]> {
  const held = await store.jobsOfBot(botId, 'holding', statuses);
  return [...held, ...(await store.jobsOfBot(botId, 'active', statuses))];
}

const orphaned = (guid: Guid): Outcome => ({
  guid,
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
