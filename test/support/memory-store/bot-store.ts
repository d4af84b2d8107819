import type { BotStore } from '../../../src/store/bot-store.ts';
import type { MemoryParts } from './memory-parts.ts';

export const memoryBotStore = ({ data }: MemoryParts): BotStore => ({
  async bots() {
    return [...data().bots.values()].toSorted((a, b) => (a.botId < b.botId ? -1 : 1));
  },

  async saveBot(bot) {
    data().bots.set(bot.botId, bot);
  },
});
