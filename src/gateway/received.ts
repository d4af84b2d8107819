import type { MediaKind, WireMessage } from '../protocol/frames.ts';

/** WhatsApp's own name of a message: what receipts, re-uploads, edits and duplicates are keyed by. */
export interface ProviderKey {
  readonly remoteJid: string;
  /** The sender inside a group; null in a chat of two. */
  readonly participant: string | null;
  readonly id: string;
  readonly fromMe: boolean;
}

/** Which of WhatsApp's media keys encrypts a file (the `info` of its HKDF). */
export type MediaCipher = 'image' | 'video' | 'ptv' | 'audio' | 'document' | 'sticker';

/** Where a medium lies, and what proves that it is the right one. Binary fields are base64. */
export interface MediaReference {
  readonly kind: MediaKind;
  readonly cipher: MediaCipher;
  readonly mimeType: string;
  readonly fileName: string | null;
  readonly mediaKey: string | null;
  readonly directPath: string | null;
  readonly fileSha256: string | null;
  readonly fileEncSha256: string | null;
  /** As the sender declares it; not to be trusted. */
  readonly declaredBytes: number | null;
}

/** One decrypted stanza that a person would miss: the wire message without its media fields, and its medium. */
export interface ReceivedMessage {
  readonly key: ProviderKey;
  readonly wire: Omit<
    WireMessage,
    'media_processing_id' | 'mime_type' | 'original_filename' | 'media_state' | 'quota_exceeded'
  >;
  readonly media: MediaReference | null;
}

/** A decrypted stanza that says nothing to people, be it housekeeping or an album's header. */
export interface SilentStanza {
  readonly key: ProviderKey;
  readonly wire: null;
}

export type ReceivedStanza = ReceivedMessage | SilentStanza;

export const isMessage = (stanza: ReceivedStanza): stanza is ReceivedMessage => stanza.wire !== null;
