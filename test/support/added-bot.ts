import type { BotRecord } from '../../src/store/bot-store.ts';
import { NOW } from './store-records.ts';

/** A bot that was added at run time. */
export const addedBot = (botId: string, changes: Partial<BotRecord> = {}): BotRecord => ({
  botId,
  providerName: 'whatsapp-baileys',
  gatewayId: 'gateway-1',
  createdAt: NOW,
  stopped: false,
  pairingPhone: null,
  settings: JSON.stringify({ id: botId, gateway: 'gateway-1' }),
  removed: false,
  ...changes,
});
