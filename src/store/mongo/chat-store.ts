import { hasCode } from '../../base/errors.ts';
import type { ChatStore } from '../chat-store.ts';
import { inSteps } from '../in-steps.ts';
import { lanesOf } from './lanes.ts';
import { PRUNE_STEP, pruneHistoryOf } from './message-store.ts';
import type { MongoParts } from './mongo-parts.ts';
import { chatsNamed, chatsWithJournal, correspondents, resolveCorrespondent } from './operations/chats.ts';
import { forgetChat, forgetMessageIds } from './operations/upkeep.ts';

export const mongoChatStore = ({ transactions, clock }: MongoParts): ChatStore => ({
  resolveCorrespondent(botId, providerName, identifiers) {
    const now = clock.now();
    return transactions.run([], (transaction) =>
      resolveCorrespondent(transaction, botId, providerName, wellFormed(identifiers), now),
    );
  },

  chatsNamed: (botId, identifier) =>
    transactions.read((collections) => chatsNamed(collections, botId, identifier.toWellFormed())),

  correspondents: (botId, page) =>
    transactions.read((collections) => correspondents(collections, botId, page)),

  chatsWithJournal: (botId) => transactions.read((collections) => chatsWithJournal(collections, botId)),

  async forgetChat(key) {
    const ingested = await pruneHistoryOf(transactions, key, Number.MAX_SAFE_INTEGER);
    const ofKey = [lanesOf.chat(key)];
    try {
      await inSteps(PRUNE_STEP, () =>
        transactions.run(ofKey, (transaction) => forgetMessageIds(transaction, key, PRUNE_STEP)),
      );
      const { messages, media } = await transactions.run(ofKey, (transaction) =>
        forgetChat(transaction, key),
      );
      return { messages: ingested + messages, media };
    } catch (error) {
      if (hasCode(error, 'not_found')) return null;
      throw error;
    }
  },
});

/** BSON is UTF-8, where a lone surrogate becomes U+FFFD: what was given is compared with what is there. */
const wellFormed = ([first, ...others]: readonly [string, ...string[]]): [string, ...string[]] => [
  first.toWellFormed(),
  ...others.map((each) => each.toWellFormed()),
];
