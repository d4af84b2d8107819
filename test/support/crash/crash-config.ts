import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DEFAULT_POOLS } from '../../../src/jobs/pools.ts';
import { STRICT_BOT } from './growing-old.ts';

/** A job longer than its heartbeat, and one that is in hand when a process is told to stop. */
const VIDEO_DELAY_MS = 1_500;
const STUB_DELAY_MS = 100;
const SECONDS_PER_HOUR = 3_600;
/** Only what was planted grows that old. */
const STALE_SECONDS = 2;
const DAY_MS = 86_400_000;

export interface CrashSettings {
  readonly store: string;
  readonly simulator: string;
  readonly maxAttempts: number;
  readonly processedBy: 'backend' | 'workers';
  /** Whether there is a bot in whose chats nothing overtakes a medium. */
  readonly withStrictBot: boolean;
}

/** Writes the configuration of the processes that die; returns its file. */
export async function writeCrashConfig(
  folder: string,
  { withStrictBot, ...settings }: CrashSettings,
): Promise<string> {
  const file = path.join(folder, `dragoman-${settings.processedBy}.json`);
  const strict = { id: STRICT_BOT, ordering: 'strict', strictHoldMs: 10 * DAY_MS, limits: { maxDays: 1 } };
  const config = {
    dataFolder: folder,
    stagingFolder: path.join(folder, 'staging'),
    ...settings,
    bots: [{ id: 'main' }, ...(withStrictBot ? [strict] : [])],
    listen: { port: 0 },
    http: { port: 0 },
    leaseMs: 2_000,
    historyDays: 1,
    janitor: {
      everyMs: 1_000,
      firstAfterMs: 500,
      staleJobHours: STALE_SECONDS / SECONDS_PER_HOUR,
      // The bot that it is planted for is not there.
      heldJobDays: (STALE_SECONDS * 1_000) / DAY_MS,
    },
    gateway: { sendJitterMs: 0, longestTypingMs: 0, sendsPerMinute: 600 },
    log: { level: 'warn' },
    pools: DEFAULT_POOLS.map((pool) => {
      if (['corrupt', 'unsupported'].includes(pool.processor)) return pool;
      const delayMs = pool.name === 'video' ? VIDEO_DELAY_MS : STUB_DELAY_MS;
      return { ...pool, workers: 4, processorOptions: { delayMs } };
    }),
  };
  await writeFile(file, JSON.stringify(config));
  return file;
}
