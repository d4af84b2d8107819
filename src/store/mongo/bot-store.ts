import type { BotStore } from '../bot-store.ts';
import { STORE } from './lanes.ts';
import type { MongoParts } from './mongo-parts.ts';
import { listBots, saveBot } from './operations/bots.ts';

export const mongoBotStore = ({ transactions }: MongoParts): BotStore => ({
  bots: () => transactions.read(listBots),
  saveBot: (bot) => transactions.run([], (transaction) => saveBot(transaction, bot), [STORE]),
});
