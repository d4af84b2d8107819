import type { BotStore } from '../bot-store.ts';
import type { SqliteParts } from './sqlite-parts.ts';

export const sqliteBotStore = ({ writer, reader }: SqliteParts): BotStore => ({
  bots: () => reader.call('bots'),
  saveBot: (bot) => writer.call('saveBot', bot),
});
