import { describe, expect, test } from 'vitest';
import { NOT_CONNECTED } from '../../../src/actors/bot-protocol.ts';
import { parseConfig } from '../../../src/system/config.ts';
import { janitorBots, janitorSettings } from '../../../src/system/janitor-settings.ts';

const DAY_MS = 24 * 3_600_000;

const record = (botId: string, settings: object | null = null) => ({
  botId,
  settings: settings === null ? null : JSON.stringify({ id: botId, ...settings }),
});

const limitsOf = (janitor: object) => janitorSettings(parseConfig({ janitor })).limits;

test('the file of a job that failed stays no longer than its record', () => {
  expect(limitsOf({})).toMatchObject({ failedFileMs: DAY_MS, failedJobMs: 90 * DAY_MS });
  expect(limitsOf({ failedFileHours: 72, failedJobDays: 2 })).toMatchObject({ failedFileMs: 2 * DAY_MS });
});

describe('the janitor sees to', () => {
  const config = parseConfig({ historyDays: 30, bots: [{ id: 'main', historyDays: 5 }, { id: 'second' }] });
  const running = new Map(
    config.bots.map((settings) => [settings.id, { settings, said: { status: { ...NOT_CONNECTED } } }]),
  );
  const seen = (...records: readonly ReturnType<typeof record>[]) =>
    janitorBots(config, running, records).map((bot) => ({ ...bot, isConnected: bot.isConnected() }));

  test('each bot that runs, connected or not, by its own history setting or that of all', () => {
    const main = running.get('main');
    if (main !== undefined) main.said.status = { ...NOT_CONNECTED, state: 'open' };
    expect(seen(record('main'), record('second'))).toEqual([
      { id: 'main', isConnected: true, historyMs: 5 * DAY_MS },
      { id: 'second', isConnected: false, historyMs: 30 * DAY_MS },
    ]);
  });

  test('bots that do not run any more as ones that are away', () => {
    expect(seen(record('former'), record('added', { historyDays: 9, gateway: 'gone' })).slice(2)).toEqual([
      { id: 'former', isConnected: false, historyMs: 30 * DAY_MS },
      { id: 'added', isConnected: false, historyMs: 9 * DAY_MS },
    ]);
  });
});
