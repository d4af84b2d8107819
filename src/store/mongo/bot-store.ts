import type { BotStore } from '../bot-store.ts';
import type { MongoParts } from './mongo-parts.ts';
import { listBots, saveBot } from './operations/lists.ts';

export const mongoBotStore = ({ transactions }: MongoParts): BotStore => ({
  bots: () => transactions.single(listBots),
  saveBot: (bot) => transactions.single((collections) => saveBot(collections, bot)),
});
