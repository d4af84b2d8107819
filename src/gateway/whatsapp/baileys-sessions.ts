import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { SessionFactory } from '../gateway-bot.ts';
import { createBaileysSession } from './baileys-session.ts';
import type { Endpoint } from './endpoint.ts';

export interface BaileysSessionsOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly endpoint: Endpoint;
}

/** Makes each bot's session with WhatsApp, by what the backend says of the bot. */
export const baileysSessions =
  (options: BaileysSessionsOptions): SessionFactory =>
  ({ config, ...request }) =>
    createBaileysSession({
      ...options,
      ...request,
      policy: { groups: config.groups ?? 'all' },
      ...(config.history_sync_days === undefined ? {} : { historySyncDays: config.history_sync_days }),
      ...(config.pairing_phone === undefined ? {} : { pairingPhone: config.pairing_phone }),
    });
