import { DAY_MS, HOUR_MS } from '../base/units.ts';
import type { SharedFolder } from '../actors/janitor-files.ts';
import type { JanitorBot } from '../actors/janitor-survey.ts';
import type { JanitorArgs } from '../actors/janitor.ts';
import type { StagingFolders } from '../staging/staging-folders.ts';
import type { BotRecord } from '../store/bot-store.ts';
import { storedBotSettings } from './bot-settings.ts';
import type { Config } from './config.ts';
import type { Ingress } from './ingress.ts';
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

export interface SharedFoldersOptions {
  readonly staging: StagingFolders;
  readonly bots: ReadonlyMap<string, Pick<RunningBot, 'settings'>>;
  readonly ingress: Pick<Ingress, 'ask' | 'linkedGateways' | 'released'>;
}

/**
 * The staging folders, each with the gateways that may have put files there: its owner, or, of the shared one, every
 * gateway without a folder of its own that has a bot or is connected.
 */
export function sharedFolders({ staging, bots, ingress }: SharedFoldersOptions): readonly SharedFolder[] {
  const owners = new Set(staging.owned.map(({ owner }) => owner));
  const known = new Set([
    ...Array.from(bots.values(), ({ settings }) => settings.gateway),
    ...ingress.linkedGateways(),
  ]);
  const gatewayOf = (id: string) => ({
    id,
    async held(guids: readonly string[]) {
      const answer = await ingress.ask(id, { type: 'media.holds', guids: [...guids] }, 'media.held');
      return answer === null ? null : { held: new Set(answer.guids), unacked: answer.unacked ?? 0 };
    },
    released: (guid: string) => ingress.released(id, guid),
  });
  return staging.owned.map(({ folder, owner }) => ({
    folder,
    gateways: (owner === null ? [...known].filter((id) => !owners.has(id)) : [owner]).map(gatewayOf),
  }));
}
