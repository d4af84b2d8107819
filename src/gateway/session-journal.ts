import { z } from 'zod';
import type { Clock } from '../base/clock.ts';
import { type Guid, newGuid } from '../base/ids.ts';
import type { WireMessage } from '../protocol/frames.ts';
import type { FrameLog } from './frame-log.ts';
import { announcedMessage, announcedWithoutContent, chatOf, undecryptedId } from './inbound-message.ts';
import type { JournalDatabase } from './journal-database.ts';
import { textIn } from './journal-row.ts';
import { SEEN_BY_MESSAGE } from './journal-schema.ts';
import type { MediaLedger } from './media-ledger.ts';
import { isMessage, type ProviderKey, type ReceivedMessage, type ReceivedStanza } from './received.ts';
import type { SendRegister } from './send-register.ts';
import type { AuthChange, SessionStorage, UndecryptableMessage } from './session.ts';

export interface SessionJournalSettings {
  /** As the backend names where messages come from. */
  readonly providerName: string;
  readonly undecryptableWaitMs: number;
  readonly seenMs: number;
}

export interface SessionJournalOptions {
  readonly db: JournalDatabase;
  readonly frames: FrameLog;
  readonly media: MediaLedger;
  readonly sends: SendRegister;
  readonly clock: Clock;
  readonly settings: SessionJournalSettings;
}

/**
 * What sessions write: credentials, and what they received. See J1…J3 at `SessionStorage`; and
 *   J4 A message is announced once, however often it is delivered, and by whichever of its people's addresses: its
 *      first commit wins.
 *   J5 A message that cannot be decrypted is announced only when its content did not come in time. The content may
 *      still come after that, and is announced as well; content that says nothing to people ends the wait in silence.
 *      It is of the backlog if the stanza without it was: its copy comes live.
 *   J6 A text that the bot sends is announced once. Its echo is no news, unless it comes before the outcome, or tells of
 *      a text that nobody knew to be sent: then it takes the text's place in the chat.
 */
export class SessionJournal implements SessionStorage {
  readonly #db: JournalDatabase;
  readonly #frames: FrameLog;
  readonly #media: MediaLedger;
  readonly #sends: SendRegister;
  readonly #clock: Clock;
  readonly #settings: SessionJournalSettings;

  constructor({ db, frames, media, sends, clock, settings }: SessionJournalOptions) {
    this.#db = db;
    this.#frames = frames;
    this.#media = media;
    this.#sends = sends;
    this.#clock = clock;
    this.#settings = settings;
  }

  async readAuth(botId: string, keys: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const rows = this.#db.all(
      'SELECT key, value FROM auth WHERE bot_id = ? AND key IN (SELECT value FROM json_each(?))',
      botId,
      JSON.stringify(keys),
    );
    return new Map(rows.map((row) => [textIn(row, 'key'), textIn(row, 'value')]));
  }

  async commit(botId: string, auth: AuthChange, received: readonly ReceivedStanza[]): Promise<void> {
    this.#db.transaction(() => {
      this.#applyAuth(botId, auth);
      for (const stanza of received) {
        const wasBacklog = this.#forgetExpected(botId, stanza);
        if (isMessage(stanza)) this.#announce(botId, wasBacklog ? asBacklog(stanza) : stanza);
      }
    });
  }

  async expectContent(botId: string, message: UndecryptableMessage): Promise<void> {
    const key = keyText(message.key);
    this.#db.transaction(() => {
      if (this.#hasSeen(botId, undecryptedKey(message.key)) || this.#isKnown(botId, message)) return;
      if (this.#isOwnEcho(botId, message.key)) return;
      this.#db.run(
        'INSERT OR IGNORE INTO expected (bot_id, key, message, due_at) VALUES (?, ?, ?, ?)',
        botId,
        key,
        JSON.stringify(message),
        this.#clock.now() + this.#settings.undecryptableWaitMs,
      );
    });
  }

  async keyOf(botId: string, chat: string, messageId: string): Promise<ProviderKey> {
    const keys = this.#keysOf(botId, messageId);
    const known = keys.find((key) => key.remoteJid === chat) ?? keys[0];
    if (known !== undefined) return known;
    return { remoteJid: chat, participant: null, id: messageId, fromMe: this.#sends.isOwn(botId, messageId) };
  }

  async clearAuth(botId: string): Promise<void> {
    this.#db.transaction(() => this.#db.run('DELETE FROM auth WHERE bot_id = ?', botId));
  }

  /** Announces what waited too long for its content. Returns how many messages that were. */
  announceOverdue(): number {
    const overdue = this.#db.all(
      'SELECT bot_id, key, message FROM expected WHERE due_at <= ? ORDER BY due_at',
      this.#clock.now(),
    );
    if (overdue.length === 0) return 0;
    this.#db.transaction(() => {
      for (const row of overdue) {
        const botId = textIn(row, 'bot_id');
        const message: UndecryptableMessage = JSON.parse(textIn(row, 'message'));
        this.#stopExpecting(botId, textIn(row, 'key'));
        this.#markSeen(botId, undecryptedKey(message.key), message.wire.backlog === true);
        this.#appendInbound(botId, announcedWithoutContent(message));
      }
    });
    return overdue.length;
  }

  #applyAuth(botId: string, { puts, deletes }: AuthChange): void {
    for (const [key, value] of puts) {
      this.#db.run(
        'INSERT INTO auth (bot_id, key, value) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
        botId,
        key,
        value,
      );
    }
    for (const key of deletes) this.#db.run('DELETE FROM auth WHERE bot_id = ? AND key = ?', botId, key);
  }

  #announce(botId: string, received: ReceivedMessage): void {
    const key = keyText(received.key);
    const isNew =
      !this.#isKnown(botId, received) && this.#markSeen(botId, key, received.wire.backlog === true);
    if (!isNew) return;
    const echo = received.key.fromMe ? this.#sends.echoed(botId, received.key.id) : 'foreign';
    if (echo === 'known') return;
    if (echo === 'news') {
      this.#appendInbound(botId, { ...announcedMessage(received, null), source: 'bot' });
      return;
    }
    const { media } = received;
    const guid = media === null ? null : newGuid();
    const announced = this.#appendInbound(botId, announcedMessage(received, guid), guid);
    if (announced && media !== null && guid !== null) {
      this.#media.announce(botId, guid, chatOf(received.wire), received.key, media);
    }
  }

  #appendInbound(botId: string, message: WireMessage, guid: Guid | null = null): boolean {
    const frame = {
      type: 'inbound',
      bot_id: botId,
      provider_name: this.#settings.providerName,
      message: { ...message, received_time: this.#clock.now() },
    } as const;
    return this.#frames.append(frame, guid) !== null;
  }

  /** False when it was seen before. */
  #markSeen(botId: string, key: string, backlog = false): boolean {
    const expiresAt = this.#clock.now() + this.#settings.seenMs;
    return (
      this.#db.run(
        'INSERT OR IGNORE INTO seen (bot_id, key, expires_at, backlog) VALUES (?, ?, ?, ?)',
        botId,
        key,
        expiresAt,
        backlog ? 1 : 0,
      ) === 1
    );
  }

  /** Of the messages seen that have this id. */
  #keysOf(botId: string, messageId: string): readonly ProviderKey[] {
    const named = `SELECT key FROM ${SEEN_BY_MESSAGE} WHERE bot_id = ? AND message_id = ?`;
    const rows = this.#db.all(named, botId, messageId);
    return rows.map((row) => keyIn(textIn(row, 'key')));
  }

  /** By whichever of its people's addresses. */
  #isKnown(botId: string, message: Omit<ReceivedMessage, 'media'>): boolean {
    return this.#keysOf(botId, message.key.id).some((seen) => isSameMessage(message, seen));
  }

  #hasSeen(botId: string, key: string): boolean {
    return this.#db.get('SELECT 1 FROM seen WHERE bot_id = ? AND key = ?', botId, key) !== undefined;
  }

  /** It is here, and may have been expected under another address. Tells whether what was expected is of the backlog. */
  #forgetExpected(botId: string, stanza: ReceivedStanza): boolean {
    let wasBacklog = this.#stopExpecting(botId, keyText(stanza.key));
    if (!isMessage(stanza)) return wasBacklog;
    const ofId = 'SELECT key FROM expected WHERE bot_id = ? AND key ->> 2 = ?';
    for (const row of this.#db.all(ofId, botId, stanza.key.id)) {
      const key = textIn(row, 'key');
      if (isSameMessage(stanza, keyIn(key)) && this.#stopExpecting(botId, key)) wasBacklog = true;
    }
    return wasBacklog || this.#standsInBacklog(botId, stanza);
  }

  /** True when what was expected came while the bot was away. */
  #stopExpecting(botId: string, key: string): boolean {
    const row = this.#db.get(
      'DELETE FROM expected WHERE bot_id = ? AND key = ? RETURNING message',
      botId,
      key,
    );
    if (row === undefined) return false;
    const { wire }: UndecryptableMessage = JSON.parse(textIn(row, 'message'));
    return wire.backlog === true;
  }

  /** Whether something of the backlog was announced in place of this message. */
  #standsInBacklog(botId: string, message: ReceivedMessage): boolean {
    const ofId = `SELECT key FROM ${SEEN_BY_MESSAGE} WHERE bot_id = ? AND message_id = ? AND backlog = 1`;
    const rows = this.#db.all(ofId, botId, undecryptedId(message.key.id));
    return rows.some((row) => isSameMessage(message, keyIn(textIn(row, 'key'))));
  }

  /** What the bot sent itself may come back by the account's other devices. */
  #isOwnEcho(botId: string, key: ProviderKey): boolean {
    return key.fromMe && this.#sends.isOwn(botId, key.id);
  }
}

const asBacklog = (message: ReceivedMessage): ReceivedMessage => ({
  ...message,
  wire: { ...message.wire, backlog: true },
});

/**
 * Whether `seen`, of the same id, is of this very message. The phone's history may name by a LID whom the stanza named
 * by a phone number, and the other way round.
 */
function isSameMessage({ key, wire }: Omit<ReceivedMessage, 'media'>, seen: ProviderKey): boolean {
  if (key.fromMe !== seen.fromMe) return false;
  const alternates = wire.alternate_identifiers ?? [];
  if (wire.group === undefined) return [key.remoteJid, ...alternates].includes(seen.remoteJid);
  if (key.remoteJid !== seen.remoteJid) return false;
  return key.fromMe || [key.participant, ...alternates].includes(seen.participant);
}

/** The key that `keyText` made a text of. */
function keyIn(text: string): ProviderKey {
  const [remoteJid, participant, id, fromMe] = keyParts.parse(JSON.parse(text));
  return { remoteJid, participant, id, fromMe };
}

const keyParts = z.tuple([z.string(), z.string().nullable(), z.string(), z.boolean()]);

const keyText = ({ remoteJid, participant, id, fromMe }: ProviderKey): string =>
  JSON.stringify([remoteJid, participant, id, fromMe]);

/** What stands for a message whose content did not come: another one, since the content may still come. */
const undecryptedKey = (key: ProviderKey): string => keyText({ ...key, id: undecryptedId(key.id) });
