import { setImmediate as nextTurn } from 'node:timers/promises';
import { isJidGroup, proto, type SignalKeyStore } from '@whiskeysockets/baileys';
import { batchesOf } from '../../base/batches.ts';
import { describeError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { DAY_MS } from '../../base/units.ts';
import { isMessage, type ReceivedMessage, type ReceivedStanza } from '../received.ts';
import {
  asKeys,
  asPendingHistory,
  type AuthState,
  pendingHistory,
  type PendingHistory,
} from './auth-state.ts';
import { withoutAddresses } from './baileys-log.ts';
import { type Conversation, conversationsIn, keptMessageIn } from './history-content.ts';
import {
  decodeNotification,
  encodeNotification,
  historyIn,
  isFull,
  isRecent,
} from './history-notification.ts';
import { type FetchedHistory, fetchHistory, type HistoryHost, inflateHistory } from './history-payload.ts';
import type { Account, StanzaAttributes } from './identity.ts';
import type { HistoryKeeping } from './journaling-signal.ts';

/** Committed at a time; between two of them the event loop goes round. */
const MESSAGES_PER_COMMIT = 25;

export interface HistorySyncOptions extends HistoryHost {
  /** Messages older than that are left out. Null: all of them are. */
  readonly days: number | null;
  readonly auth: Pick<AuthState, 'keys'>;
  readonly account: () => Account;
  /** What a message that the phone keeps brings, as if it had come while the bot was away. */
  readonly interpret: (info: proto.IWebMessageInfo) => Promise<readonly ReceivedStanza[]>;
  readonly received: (messages: readonly ReceivedMessage[]) => void;
  readonly learnGroupName: (jid: string, name: string) => void;
  readonly log: Logger;
}

/**
 * The history that the phone sends to a device that was just linked, in parts.
 *   H1 A part that is to become messages is remembered with the ratchet's step, hence before its receipt, until the
 *      last of its messages is durable: a crash in between loses none, and the next connection goes on.
 *   H2 Baileys downloads no history: what it needs of it comes inside the notification, by a download of ours.
 *   H3 What the next stanza brings comes after the messages of a part that was announced before it; only a part that
 *      could not be fetched comes late.
 *   H4 Each chat's messages are journalled oldest first; one that came by itself, before or after, is there once.
 */
export class HistorySync implements HistoryKeeping {
  readonly #options: HistorySyncOptions;
  /** What was fetched for Baileys and is to become messages, by notification. */
  readonly #fetched = new Map<string, FetchedHistory>();
  /** False: nothing is pending, or nothing that this connection can get. */
  #mayPend: boolean;
  #hostFailed = false;

  constructor(options: HistorySyncOptions) {
    this.#options = options;
    this.#mayPend = options.days !== null;
  }

  async remember(
    attributes: StanzaAttributes,
    plaintext: Uint8Array,
    keys: Pick<SignalKeyStore, 'get' | 'set'>,
  ): Promise<void> {
    const { account, clock, days } = this.#options;
    const history = historyIn(attributes, plaintext, account());
    if (history === null || days === null || !isRecent(history.notification)) return;
    const part = { notification: encodeNotification(history.notification), announcedAt: clock.now() };
    await keys.set(asPendingHistory([...(await pendingHistory(keys)), part]));
    this.#mayPend = true;
  }

  async forBaileys(attributes: StanzaAttributes, plaintext: Uint8Array): Promise<Uint8Array> {
    const { account, days, log } = this.#options;
    const history = historyIn(attributes, plaintext, account());
    if (history === null || isFull(history.notification)) return plaintext;
    const { message, notification } = history;
    const name = encodeNotification(notification);
    const fetched = await fetchHistory(notification, this.#options);
    if (days !== null && isRecent(notification)) this.#fetched.set(name, fetched);
    if (fetched.kind !== 'payload') {
      log.warn({ reason: fetched.reason }, 'a part of the history could not be fetched');
      return plaintext;
    }
    notification.initialHistBootstrapInlinePayload = fetched.deflated;
    notification.directPath = null;
    return proto.Message.encode(message).finish();
  }

  /** Turns what is pending into messages. Never rejects: a storage that fails has ended the connection. */
  async takeUp(): Promise<void> {
    if (!this.#mayPend) return;
    this.#mayPend = false;
    const { auth, log, signal } = this.#options;
    try {
      let pending = await pendingHistory(auth.keys);
      for (const part of pending) {
        if (!(await this.#take(part))) continue;
        pending = pending.filter((other) => other !== part);
        await auth.keys.set(asPendingHistory(pending));
      }
    } catch (error) {
      if (signal.aborted) return;
      log.error({ reason: withoutAddresses(describeError(error)) }, 'history could not be taken');
    }
  }

  /** False when it is to be tried again by another connection. */
  async #take({ notification, announcedAt }: PendingHistory): Promise<boolean> {
    const { clock, days, log } = this.#options;
    const since = clock.now() - (days ?? 0) * DAY_MS;
    if (announcedAt < since) return true;
    const fetched = this.#fetched.get(notification) ?? (await this.#fetchLate(notification));
    this.#fetched.delete(notification);
    if (fetched.kind === 'unreachable') {
      this.#hostFailed = true;
      return false;
    }
    const sync = fetched.kind === 'payload' ? await inflateHistory(fetched.deflated).catch(() => null) : null;
    if (sync === null) log.warn({}, 'a part of the history is lost');
    else await this.#announce(sync, since);
    return true;
  }

  /** What follows waits for this: a connection tries it until the host fails it. */
  async #fetchLate(notification: string): Promise<FetchedHistory> {
    if (this.#hostFailed) return { kind: 'unreachable', reason: 'network' };
    return fetchHistory(decodeNotification(notification), this.#options);
  }

  async #announce(sync: Uint8Array, since: number): Promise<void> {
    const { auth, interpret, learnGroupName, log, received } = this.#options;
    let count = 0;
    for (const conversation of conversationsIn(sync)) {
      if (isJidGroup(conversation.jid)) learnGroupName(conversation.jid, conversation.name);
      for await (const infos of oldestFirst(conversation, since)) {
        const stanzas = (await Promise.all(infos.map(interpret))).flat();
        await auth.keys.set(asKeys(stanzas));
        const messages = stanzas.filter(isMessage);
        count += messages.length;
        if (messages.length > 0) received(messages);
      }
    }
    log.info({ messages: count }, 'history taken');
  }
}

/** A chat's messages since then, so many at a time as are committed together. */
async function* oldestFirst(
  { messages }: Conversation,
  since: number,
): AsyncGenerator<readonly proto.IWebMessageInfo[]> {
  const kept: { readonly encoded: Uint8Array; readonly sentAt: number }[] = [];
  for (const [index, encoded] of messages.toReversed().entries()) {
    const sentAt = keptMessageIn(encoded)?.sentAt ?? 0;
    if (sentAt >= since) kept.push({ encoded, sentAt });
    if (index % MESSAGES_PER_COMMIT === 0) await nextTurn();
  }
  // Stable: those of one second stay in the phone's order.
  kept.sort((one, other) => one.sentAt - other.sentAt);
  for (const some of batchesOf(kept, MESSAGES_PER_COMMIT)) {
    await nextTurn();
    yield some.flatMap(({ encoded }) => keptMessageIn(encoded)?.info ?? []);
  }
}
