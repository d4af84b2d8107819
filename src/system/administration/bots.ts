import type { BotsAdministration } from '../administration.ts';
import type { BotRoster } from '../bot-roster.ts';
import type { RunningBot } from '../running-bot.ts';
import type { BotView } from './views.ts';

export interface BotsOptions {
  readonly bots: ReadonlyMap<string, RunningBot>;
  readonly roster: Pick<BotRoster, 'start' | 'stop' | 'pair' | 'add' | 'remove'>;
  readonly isLinked: (gatewayId: string) => boolean;
}

export const administerBots = ({ bots, roster, isLinked }: BotsOptions): BotsAdministration => ({
  list: () => Promise.resolve(Array.from(bots.values(), (bot) => botViewOf(bot, isLinked))),
  start: (botId) => roster.start(botId),
  stop: (botId) => roster.stop(botId),
  pair: (botId, phone) => roster.pair(botId, phone),
  add: (settings) => roster.add(settings),
  remove: (botId) => roster.remove(botId),
});

function botViewOf({ settings, wish, said }: RunningBot, isLinked: BotsOptions['isLinked']): BotView {
  return {
    botId: settings.id,
    gatewayId: settings.gateway,
    linked: isLinked(settings.gateway),
    stopped: wish.stopped,
    ...said.status,
  };
}
