import { proto, type UserFacingSocketConfig } from '@whiskeysockets/baileys';
import { asCacheStore } from './retry-counters.ts';
import type { SessionMemory } from './session-memory.ts';

const { FULL } = proto.HistorySync.HistorySyncType;

/** How Dragoman wants Baileys' sockets, whichever account they are for. */
export const socketSettings = (memory: SessionMemory): Omit<UserFacingSocketConfig, 'auth'> => ({
  markOnlineOnConnect: false,
  syncFullHistory: false,
  // The other parts of the history bring the map between LIDs and phone numbers. What still has a path could not be
  // fetched (see `HistorySync`): Baileys would fetch it from any host, and may end the process when the host hangs up.
  shouldSyncHistoryMessage: ({ syncType, directPath }) => syncType !== FULL && !directPath,
  shouldIgnoreJid: (jid) => jid.endsWith('@broadcast') || jid.endsWith('@newsletter'),
  msgRetryCounterCache: asCacheStore(memory.retryCounters),
  // For the retry manager that comes with it, see `tameRetryManager`.
  enableRecentMessageCache: true,
  enableAutoSessionRecreation: false,
  getMessage: async ({ id }) => memory.sent.get(id ?? ''),
  // A commit that failed has ended the connection: trying it again is for the next one, when WhatsApp delivers again.
  transactionOpts: { maxCommitRetries: 1, delayBetweenTriesMs: 0 },
});
