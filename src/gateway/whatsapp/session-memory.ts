import type { proto } from '@whiskeysockets/baileys';
import { RecentMap } from '../../base/recent-map.ts';
import type { StanzaAttributes } from './identity.ts';
import type { RetryCounters } from './retry-counters.ts';

const REMEMBERED_RETRIES = 10_000;
const REMEMBERED_STANZAS = 1_000;
const REMEMBERED_TEXTS = 256;
const REMEMBERED_GROUPS = 10_000;

/** What a session remembers from one connection to the next, in bounds. */
export interface SessionMemory {
  readonly retryCounters: RetryCounters;
  /** Stanzas that came without content, by message id. */
  readonly awaited: RecentMap<string, StanzaAttributes>;
  /** Texts sent, by message id: a recipient that could not decrypt one asks for it again. */
  readonly sent: RecentMap<string, proto.IMessage>;
  /** What groups are called, by JID. */
  readonly groupNames: RecentMap<string, string>;
}

export const createSessionMemory = (): SessionMemory => ({
  retryCounters: new RecentMap(REMEMBERED_RETRIES),
  awaited: new RecentMap(REMEMBERED_STANZAS),
  sent: new RecentMap(REMEMBERED_TEXTS),
  groupNames: new RecentMap(REMEMBERED_GROUPS),
});
