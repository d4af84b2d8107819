import { DragomanError } from '../base/errors.ts';
import type { Config } from './config.ts';
import { LOCAL_GATEWAY } from './config/atoms.ts';

/**
 * The configuration of a backend that runs no gateway itself: a bot that names none is paired by the only one there is.
 * @throws `config_invalid` when there is none, or a choice.
 */
export function withoutLocalGateway(config: Config): Config {
  const [only, ...others] = config.gateways;
  if (only === undefined) {
    throw new DragomanError(
      'config_invalid',
      'gateways: expected at least one, with an id and a token of its own, since a backend alone runs none',
    );
  }
  const bots = config.bots.map((bot) => {
    if (bot.gateway !== LOCAL_GATEWAY) return bot;
    if (others.length === 0) return { ...bot, gateway: only.id };
    throw new DragomanError(
      'config_invalid',
      `bots: expected ${bot.id} to say by its gateway setting which of the gateways pairs it`,
    );
  });
  return { ...config, bots };
}
