import type { BotState } from '../protocol/frames.ts';
import type { MediaReference, ProviderKey, ReceivedMessage, ReceivedStanza } from './received.ts';

/** One linked account's connection to its provider. */
export interface Session {
  readonly botId: string;
  /**
   * Connects, and reconnects by the reason of each disconnect, until `stop` or one that only a person can do something
   * about. Starts again after that; does nothing while it runs.
   */
  start(): void;
  /** Closes the socket; never logs the account out. Resolves when nothing of the session runs any more. */
  stop(): Promise<void>;
  /** The only origin that media are fetched from, e.g. `https://mmg.whatsapp.net`. */
  mediaOrigin(): string;
  /** Resolves when it is connected, now or later; rejects when `signal` aborts. */
  untilOpen(signal: AbortSignal): Promise<void>;
  /**
   * Asks the sender's phone to upload a medium again. Resolves to its new `directPath`; rejects when the phone refuses or
   * `signal` aborts, with `link_closed` when it is not connected, or not until the answer.
   */
  requestReupload(key: ProviderKey, media: MediaReference, signal: AbortSignal): Promise<string>;
  /** Why nothing can be written to this address, whatever happens; null: it can be tried. */
  refusal(to: string): Undelivered | null;
  /** Shows a chat that the bot types. Resolves `durationMs` later, when it shows that no more. */
  typing?(to: string, durationMs: number, signal: AbortSignal): Promise<void>;
  /** A message id that the provider takes for a text, and that nobody used before. */
  newMessageId(): string;
  /** Sends a text. Resolves when the provider has said what it makes of it, or cannot say so any more. */
  sendText(message: OutgoingText, signal: AbortSignal): Promise<Delivery>;
}

/** What became of a text: `sent` when the provider has it. */
export type Delivery = { readonly kind: 'sent' } | Undelivered;

/** What a provider itself says of a text. */
export type Answer = { readonly kind: 'sent' } | { readonly kind: 'refused'; readonly reason: string };

export interface Undelivered {
  /**
   * `unsent`: nothing of it went out. `refused`: the provider will not have it. `unknown`: it may have been sent, or may
   * still be.
   */
  readonly kind: 'unsent' | 'refused' | 'unknown';
  /** For a person. */
  readonly reason: string;
}

export interface OutgoingText {
  readonly providerMessageId: string;
  readonly to: string;
  readonly text: string;
  readonly quoted: { readonly providerMessageId: string; readonly text: string } | null;
}

export interface SessionStatus {
  readonly state: BotState;
  /** The text to show as a QR code while `pairing`. */
  readonly qr: string | null;
  /** What happened, for a person; never a number or a name. */
  readonly detail: string | null;
}

/** What a session tells its gateway. No call may throw. */
export interface SessionListener {
  statusChanged(status: SessionStatus): void;
  /** New messages are in the journal, durably. */
  received(): void;
  /** The provider says of a text what nobody waits for any more; often not for the first time. */
  answered(providerMessageId: string, answer: Answer): void;
}

/** Changes of a bot's credentials and Signal keys, as JSON texts by key. */
export interface AuthChange {
  readonly puts: readonly (readonly [key: string, value: string])[];
  readonly deletes: readonly string[];
}

/**
 * A message that could not be decrypted yet: its content may still come under the same key. Its text, in brackets, is
 * what to announce if it never does.
 */
export type UndecryptableMessage = Omit<ReceivedMessage, 'media'>;

/**
 * The durable side of a session.
 *
 *   J1 A message and the ratchet that decrypted it are committed together: after a crash either both are there,
 *      and WhatsApp's second delivery is a duplicate, or neither is, and the second delivery decrypts.
 *   J2 `commit` resolves only when it is durable; WhatsApp gets its receipt after that.
 *   J3 A read error rejects; it is never taken for "not there", which would pair the account anew.
 */
export interface SessionStorage {
  readAuth(botId: string, keys: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** Nobody waits for the content of `received` any more, not even of what says nothing. */
  commit(botId: string, auth: AuthChange, received: readonly ReceivedStanza[]): Promise<void>;
  /** Remembers a message whose content is still missing; ignored when that content has been received. */
  expectContent(botId: string, message: UndecryptableMessage): Promise<void>;
  /** Whose message of `chat` has this id, as far as it is remembered: `fromMe` and the author are what quoting needs. */
  keyOf(botId: string, chat: string, messageId: string): Promise<ProviderKey>;
  /** Forgets the credentials and keys of a bot that was logged out. */
  clearAuth(botId: string): Promise<void>;
}
