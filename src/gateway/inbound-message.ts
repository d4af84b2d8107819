import type { Guid } from '../base/ids.ts';
import { cutText } from '../base/text.ts';
import { type SendFrame, WIRE_LIMITS, type WireMessage } from '../protocol/frames.ts';
import type { ReceivedMessage } from './received.ts';
import type { UndecryptableMessage } from './session.ts';

/** Room for the envelope around a message. */
const ENVELOPE_BYTES = 2_048;
const MESSAGE_BYTES = WIRE_LIMITS.frameBytes - ENVELOPE_BYTES;
/** What the address of a group ends with at WhatsApp. */
const GROUP_SUFFIX = '@g.us';
const SHORT_QUOTE_CHARACTERS = 1_024;
/** More than that nobody mentions by honest identifiers. */
const MENTIONS_BYTES = 16 * 1_024;

/** What is announced of a message the moment it is received; its medium, if any, is still to be downloaded as `guid`. */
export function announcedMessage(received: ReceivedMessage, guid: Guid | null): WireMessage {
  const { wire, media } = received;
  if (media === null || guid === null) return fitToFrame(wire);
  return fitToFrame({
    ...wire,
    media_processing_id: guid,
    mime_type: media.mimeType,
    media_state: 'downloading',
    ...(media.fileName === null ? {} : { original_filename: media.fileName }),
  });
}

/**
 * What is announced of a message whose content never came. It has an id of its own: should the content come after
 * all, it is no duplicate of this.
 */
export function announcedWithoutContent({ wire }: UndecryptableMessage): WireMessage {
  return fitToFrame({
    ...wire,
    provider_message_id: undecryptedId(wire.provider_message_id),
  });
}

/** What is announced of a text that the bot has sent: it has its place in the chat like any other. */
export function sentMessage(
  { bot_id: botId, to, text, quoted }: SendFrame,
  providerMessageId: string,
  sentAt: number,
): WireMessage {
  return fitToFrame({
    provider_message_id: providerMessageId,
    sender: botId,
    message: text,
    direction: 'outgoing',
    source: 'bot',
    originating_time: sentAt,
    ...(to.endsWith(GROUP_SUFFIX) ? { group: { id: to } } : { recipient_id: to }),
    ...(quoted === undefined ? {} : { quoted }),
  });
}

export const undecryptedId = (providerMessageId: string): string => `${providerMessageId}#undecrypted`;

/** Which conversation a message belongs to, for taking turns between them. */
export const chatOf = (wire: Pick<WireMessage, 'group' | 'sender'>): string => wire.group?.id ?? wire.sender;

/** Drops endless mentions and cuts the quotation, then the text, until the message fits into a frame. */
function fitToFrame(message: WireMessage): WireMessage {
  const { mentions, ...rest } = message;
  const kept = mentions !== undefined && encodedBytes(mentions) <= MENTIONS_BYTES ? { mentions } : {};
  let fitted: WireMessage = {
    ...rest,
    ...kept,
    message: cutText(message.message, WIRE_LIMITS.textCharacters),
  };
  if (encodedBytes(fitted) > MESSAGE_BYTES && fitted.quoted !== undefined) {
    fitted = {
      ...fitted,
      quoted: { ...fitted.quoted, text: cutText(fitted.quoted.text, SHORT_QUOTE_CHARACTERS) },
    };
  }
  while (encodedBytes(fitted) > MESSAGE_BYTES && fitted.message !== '') {
    fitted = { ...fitted, message: cutText(fitted.message, Math.floor(fitted.message.length * 0.75)) };
  }
  return fitted;
}

const encodedBytes = (part: WireMessage | readonly string[]): number =>
  Buffer.byteLength(JSON.stringify(part));
