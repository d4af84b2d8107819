import type { BotRecord } from '../../bot-store.ts';
import type { Connection } from '../connection.ts';
import type { Session } from './session.ts';

export const saveBot = ({ connection }: Session, bot: BotRecord): void => {
  connection.run(
    `INSERT OR REPLACE INTO bots
       (bot_id, provider_name, gateway_id, created_at, stopped, pairing_phone, settings, removed)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    bot.botId,
    bot.providerName,
    bot.gatewayId,
    bot.createdAt,
    bot.stopped ? 1 : 0,
    bot.pairingPhone,
    bot.settings,
    bot.removed ? 1 : 0,
  );
};

export const bots = (connection: Connection): BotRecord[] =>
  connection
    .all<Omit<BotRecord, 'stopped' | 'removed'> & { readonly stopped: number; readonly removed: number }>(
      `SELECT bot_id AS botId, provider_name AS providerName, gateway_id AS gatewayId, created_at AS createdAt,
         stopped, pairing_phone AS pairingPhone, settings, removed
       FROM bots ORDER BY bot_id`,
    )
    .map((row) => ({ ...row, stopped: row.stopped === 1, removed: row.removed === 1 }));
