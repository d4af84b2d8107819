import { DAY_MS, HOUR_MS } from '../base/units.ts';
import type { JanitorBot } from '../actors/janitor-survey.ts';
import type { JanitorArgs } from '../actors/janitor.ts';
import type { BotRecord } from '../store/bot-store.ts';
import { storedBotSettings } from './config/bot-settings.ts';
import type { Config } from './config.ts';
import type { RunningBot } from './running-bot.ts';

/** The janitor's part of the configuration. */
export function janitorSettings({
  janitor: { everyMs, firstAfterMs, failedJobDays, ...settings },
}: Config): Pick<JanitorArgs, 'limits' | 'everyMs' | 'firstAfterMs'> {
  const failedJobMs = failedJobDays * DAY_MS;
  const limits = {
    staleJobMs: settings.staleJobHours * HOUR_MS,
    heldJobMs: settings.heldJobDays * DAY_MS,
    // A file goes with its record at the latest.
    failedFileMs: Math.min(settings.failedFileHours * HOUR_MS, failedJobMs),
    failedJobMs,
    orphanFileMs: settings.orphanFileHours * HOUR_MS,
  };
  return { limits, everyMs, firstAfterMs };
}

/**
 * What the janitor needs to know of each bot: those that run, and of `records` those that do not, because they were
 * removed or are in no configuration any more.
 */
export function janitorBots(
  { historyDays: daysOfAll }: Pick<Config, 'historyDays'>,
  running: ReadonlyMap<string, Pick<RunningBot, 'settings' | 'said'>>,
  records: readonly Pick<BotRecord, 'botId' | 'settings'>[],
): readonly JanitorBot[] {
  const historyMs = (days: number | undefined) => {
    const kept = days ?? daysOfAll;
    return kept === undefined ? null : kept * DAY_MS;
  };
  const there = Array.from(running, ([id, { settings, said }]) => ({
    id,
    isConnected: () => said.status.state === 'open',
    historyMs: historyMs(settings.historyDays),
  }));
  const gone = records
    .filter(({ botId }) => !running.has(botId))
    .map(({ botId, settings }) => ({
      id: botId,
      isConnected: () => false,
      historyMs: historyMs(settings === null ? undefined : storedBotSettings(settings).data?.historyDays),
    }));
  return [...there, ...gone];
}
