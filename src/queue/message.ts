import type { Guid } from '../base/ids.ts';

/** `user`: the correspondent wrote it. `bot`: Dragoman sent it. `user_outgoing`: the account's owner wrote it by hand. */
export type MessageSource = 'user' | 'bot' | 'user_outgoing';
export type MessageDirection = 'incoming' | 'outgoing';

export interface Sender {
  readonly identifier: string;
  readonly displayName: string | null;
  readonly alternateIdentifiers: readonly string[];
}

export interface Group {
  readonly id: string;
  readonly name: string | null;
  readonly alternateIdentifiers: readonly string[];
}

export interface QuotedMessage {
  readonly providerMessageId: string;
  readonly text: string;
}

/** How far a medium came, and when: epoch milliseconds; null for what did not happen or was not noted. */
export interface MediaTimes {
  /** Its file was there, or was known never to come. */
  readonly stagedAt: number | null;
  /** A worker took its job, for the last time. */
  readonly claimedAt: number | null;
  /** Its words were on its job. */
  readonly completedAt: number | null;
}

/** What arrives: a message before its queue gave it an id and its times. Times are epoch milliseconds. */
export interface MessageDraft {
  /** Text, or a medium's caption, or "". */
  readonly content: string;
  readonly sender: Sender;
  readonly source: MessageSource;
  readonly direction: MessageDirection;
  readonly originatingTime: number | null;
  /** When the gateway had it on its disk; null when it did not say. */
  readonly receivedTime: number | null;
  readonly group: Group | null;
  readonly providerMessageId: string | null;
  /** The GUID of media that is not words yet; such a message is a placeholder. */
  readonly mediaProcessingId: Guid | null;
  readonly mimeType: string | null;
  readonly originalFilename: string | null;
  readonly recipientId: string | null;
  readonly actualSender: string | null;
  readonly quoted: QuotedMessage | null;
  readonly mentions: readonly string[];
  readonly albumId: string | null;
  readonly editsProviderMessageId: string | null;
  /** The id of the message whose words this one replaces: set when a failed job is retried. */
  readonly correctsId: number | null;
  /** True when it came while the bot was away: stored and ingested, not to be answered. */
  readonly backlog: boolean;
}

/** A message with its place. Immutable: fulfilling a placeholder makes a new one with the same id. */
export interface Message extends MessageDraft {
  /** Its place in the chat: rises by one per accepted message, never used twice. */
  readonly id: number;
  readonly acceptedTime: number;
  /** When it became ready; null while it is a placeholder. */
  readonly readyTime: number | null;
  /** What its medium went through; null for a text, and while it is a placeholder. */
  readonly mediaTimes: MediaTimes | null;
  /** `content.length`, in UTF-16 units. */
  readonly messageSize: number;
}

export type Placeholder = Message & { readonly mediaProcessingId: Guid; readonly readyTime: null };
export type ReadyMessage = Message & { readonly mediaProcessingId: null; readonly readyTime: number };

export const isPlaceholder = (message: Message): message is Placeholder => message.mediaProcessingId !== null;
export const isReady = (message: Message): message is ReadyMessage => message.mediaProcessingId === null;

/** What a message calls its chat: its group, or, of what a person wrote, that person. Null: it does not say. */
export const chatTitleIn = ({ group, direction, sender }: MessageDraft): string | null => {
  if (group !== null) return group.name;
  return direction === 'incoming' ? sender.displayName : null;
};
