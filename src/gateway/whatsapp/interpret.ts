import { proto } from '@whiskeysockets/baileys';
import type { MediaReference, ReceivedMessage, SilentStanza } from '../received.ts';
import { boundedIdentifier, boundedText } from './bounds.ts';
import type { Content, IgnoredContent } from './content.ts';
import { contextOf } from './context.ts';
import { describe, UNSUPPORTED } from './describe.ts';
import {
  type Account,
  addressOf,
  type Envelope,
  type IgnoredSource,
  isOwn,
  type StanzaAttributes,
} from './identity.ts';
import { unwrap } from './unwrap.ts';

/** `ignored`: nothing that the bot wants, or no message at all. `silent`: nothing that a person would miss. */
export type Interpretation =
  | { readonly kind: 'ignored'; readonly why: IgnoredSource | 'malformed' }
  | { readonly kind: 'silent'; readonly why: IgnoredContent; readonly received: SilentStanza }
  | { readonly kind: 'message'; readonly received: ReceivedMessage };

/**
 * What one decrypted stanza says, cut to what the wire takes. Never throws, whatever the sender made up.
 * `plaintext` is the encoded `proto.Message`, without Signal's padding.
 */
export function interpret(
  attributes: StanzaAttributes,
  plaintext: Uint8Array,
  account: Account,
): Interpretation {
  const message = decodeMessage(plaintext);
  return message === null
    ? { kind: 'ignored', why: 'malformed' }
    : interpretMessage(attributes, message, account);
}

/** As `interpret`, for a message that is decoded already. */
export function interpretMessage(
  attributes: StanzaAttributes,
  message: proto.IMessage,
  account: Account,
): Interpretation {
  const addressing = addressOf(withDestination(attributes, message, account), account);
  if (addressing.kind === 'ignored') return addressing;
  const unwrapped = unwrap(message);
  const content = unwrapped === null ? UNSUPPORTED : describe(unwrapped.content);
  const { key } = addressing.envelope;
  if (content.kind === 'ignored') return { kind: 'silent', why: content.why, received: { key, wire: null } };
  const { text, media, edits } = say(content, unwrapped?.edit ?? null);
  const albumId = boundedIdentifier(unwrapped?.albumId);
  return {
    kind: 'message',
    received: {
      key,
      media,
      wire: {
        ...wireOf(addressing.envelope),
        message: boundedText(text),
        ...contextOf(unwrapped?.content ?? {}, content),
        ...(albumId === null ? {} : { album_id: albumId }),
        ...(edits === null ? {} : { edits_provider_message_id: edits }),
      },
    },
  };
}

/** Null for what does not decode: cut short, or nested deeper than the decoder goes. */
export function decodeMessage(plaintext: Uint8Array): proto.IMessage | null {
  try {
    return proto.Message.decode(plaintext);
  } catch {
    return null;
  }
}

/** What the wire says of a message's origin, whatever its content. */
export function wireOf(envelope: Envelope): Omit<ReceivedMessage['wire'], 'message'> {
  const { key, group, recipient, alternates, displayName } = envelope;
  return {
    provider_message_id: key.id,
    sender: envelope.sender,
    direction: key.fromMe ? 'outgoing' : 'incoming',
    source: key.fromMe ? 'user_outgoing' : 'user',
    originating_time: envelope.originatingTime,
    ...(displayName === null ? {} : { display_name: displayName }),
    ...(group === null ? {} : { group: { id: group }, actual_sender: envelope.sender }),
    ...(recipient === null ? {} : { recipient_id: recipient }),
    ...(alternates.length === 0 ? {} : { alternate_identifiers: [...alternates] }),
    ...(envelope.backlog ? { backlog: true } : {}),
  };
}

/**
 * What the account's owner wrote on the phone names its chat inside the message where the stanza does not. Only
 * the account's own devices are believed: anybody can put a destination into a message.
 */
function withDestination(
  attributes: StanzaAttributes,
  message: proto.IMessage,
  account: Account,
): StanzaAttributes {
  const destination = message.deviceSentMessage?.destinationJid;
  const { from, recipient } = attributes;
  if (!destination || recipient !== undefined || from === undefined || !isOwn(account, from))
    return attributes;
  return { ...attributes, recipient: destination };
}

interface Said {
  readonly text: string;
  readonly media: MediaReference | null;
  /** The message that this one edits or deletes. */
  readonly edits: string | null;
}

function say(
  content: Exclude<Content, { readonly kind: 'ignored' }>,
  edit: { readonly of: string | null } | null,
): Said {
  const edits = boundedIdentifier(content.kind === 'replacement' ? content.of : edit?.of);
  const text = content.kind === 'media' ? content.caption : content.text;
  const media = content.kind === 'media' ? content.media : null;
  if (edit === null) return { text, media, edits };
  // A new caption may come without the picture that it belongs to.
  return { text: `[Edited] ${text}`.trimEnd(), media: media?.directPath ? media : null, edits };
}
