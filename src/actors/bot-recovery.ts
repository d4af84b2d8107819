import PQueue from 'p-queue';
import type { CorrespondentKey, MediaProcessingJob } from '../jobs/job.ts';
import { failureWords } from '../jobs/words.ts';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { Store } from '../store/store.ts';
import { storedCompletion } from './completion.ts';
import type { CorrespondentProtocol, Outcome } from './correspondent.ts';
import type { ActorRef } from './kit/actor.ts';

export interface BotRecoveryOptions {
  readonly botId: string;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  /** The actor of a chat, made when there is none. */
  readonly open: (key: CorrespondentKey) => Promise<ActorRef<CorrespondentProtocol>>;
}

/** Chats that are looked at side by side; the store commits them as groups. */
const CONCURRENT_CHATS = 32;

interface ChatPlaceholders {
  readonly key: CorrespondentKey;
  readonly guids: ReadonlySet<string>;
}

/**
 * Brings a bot's chats and jobs back together, step by step. Every step may be cut off and run again.
 *   1 rehydrate  chats with a journal come back; what is ready in them is announced
 *   2 inject     jobs whose placeholder is missing put it back
 *   3 repair     placeholders without a job become a text that says so
 *   4 reap       results that waited for the bot are settled
 *   5 promote    what is left becomes claimable
 */
export async function recoverBot(options: BotRecoveryOptions): Promise<void> {
  const { botId, store, clock, log } = options;
  const startedAt = clock.now();
  const chats = await rehydrateBot(options);
  const jobs = [...(await store.jobsOfBot(botId, 'holding')), ...(await store.jobsOfBot(botId, 'active'))];
  const injected = await inject(options, chats, jobs);
  const repaired = await repair(options, chats, jobs);
  const reaped = await reap(options, jobs);
  const promoted = await store.promoteJobs(botId, clock.now());
  const counts = { chats: chats.length, injected, repaired, reaped, promoted };
  log.info({ bot_id: botId, ...counts, duration_ms: clock.now() - startedAt }, 'bot recovered');
}

/** The first step alone: what is ready goes on its way, whether the bot is connected or not. */
export async function rehydrateBot({
  botId,
  store,
  open,
}: BotRecoveryOptions): Promise<readonly ChatPlaceholders[]> {
  return sideBySide(await store.chatsWithJournal(botId), async (key) => {
    const chat = await open(key);
    return { key, guids: new Set(await chat.ask('wake', undefined)) };
  });
}

async function inject(
  { open }: BotRecoveryOptions,
  chats: readonly ChatPlaceholders[],
  jobs: readonly MediaProcessingJob[],
): Promise<number> {
  const present = new Set(chats.flatMap(({ guids }) => [...guids]));
  const missing = jobs.filter(({ guid }) => !present.has(guid));
  await sideBySide(missing, async ({ correspondent, placeholder }) => {
    const chat = await open(correspondent);
    await chat.ask('inject', placeholder);
  });
  return missing.length;
}

async function repair(
  { open }: BotRecoveryOptions,
  chats: readonly ChatPlaceholders[],
  jobs: readonly MediaProcessingJob[],
): Promise<number> {
  const live = new Set(jobs.map(({ guid }) => guid));
  const orphans = chats.flatMap(({ key, guids }) =>
    [...guids].filter((guid) => !live.has(guid)).map((guid) => ({ key, guid })),
  );
  await sideBySide(orphans, async ({ key, guid }) => {
    const chat = await open(key);
    await chat.ask('settle', orphaned(guid));
  });
  return orphans.length;
}

async function reap({ open }: BotRecoveryOptions, jobs: readonly MediaProcessingJob[]): Promise<number> {
  const completed = jobs.filter(({ status }) => status === 'completed');
  await sideBySide(completed, async (job) => {
    const chat = await open(job.correspondent);
    await chat.ask('settle', storedCompletion(job));
  });
  return completed.length;
}

const orphaned = (guid: string): Outcome => ({
  guid,
  words: failureWords('orphaned', ''),
  error: { code: 'orphaned', reason: 'the placeholder had no job', stack: null },
});

function sideBySide<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const queue = new PQueue({ concurrency: CONCURRENT_CHATS });
  return queue.addAll(items.map((item) => () => work(item)));
}
