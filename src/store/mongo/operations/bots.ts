import type { BotRecord } from '../../bot-store.ts';
import type { BotDocument, ReadableCollections } from '../collections.ts';
import type { Transaction } from '../transactions.ts';
import { ownedStore } from './writing.ts';

export async function saveBot(transaction: Transaction, bot: BotRecord): Promise<void> {
  const document: Required<BotDocument> = {
    bot_id: bot.botId,
    provider_name: bot.providerName,
    gateway_id: bot.gatewayId,
    created_at: bot.createdAt,
    stopped: bot.stopped,
    pairing_phone: bot.pairingPhone,
    settings: bot.settings,
    removed: bot.removed,
  };
  const { collections, session } = await ownedStore(transaction);
  await collections.bots.replaceOne({ bot_id: bot.botId }, document, { session, upsert: true });
}

export async function listBots({ bots }: ReadableCollections): Promise<BotRecord[]> {
  const documents = await bots.find({}, { sort: { bot_id: 1 } }).toArray();
  return documents.map((bot) => ({
    botId: bot.bot_id,
    providerName: bot.provider_name,
    gatewayId: bot.gateway_id,
    createdAt: bot.created_at,
    stopped: bot.stopped ?? false,
    pairingPhone: bot.pairing_phone ?? null,
    settings: bot.settings ?? null,
    removed: bot.removed ?? false,
  }));
}
