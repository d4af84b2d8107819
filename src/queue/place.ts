import type { Guid } from '../base/ids.ts';
import type { MediaTimes, Message, MessageDraft, Placeholder, ReadyMessage } from './message.ts';

/** What a queue gives a message on its arrival. */
export interface Place {
  readonly id: number;
  readonly acceptedTime: number;
}

/** A text, ready from its arrival. `content`: the draft's, cut. */
export function placeText(draft: MessageDraft, content: string, place: Place): ReadyMessage {
  return message(draft, content, place, {
    mediaProcessingId: null,
    readyTime: place.acceptedTime,
    mediaTimes: null,
  });
}

/** A medium whose words are to come. `content`: the draft's caption, cut. */
export function placePlaceholder(
  draft: MessageDraft,
  content: string,
  place: Place,
  guid: Guid,
): Placeholder {
  return message(draft, content, place, { mediaProcessingId: guid, readyTime: null, mediaTimes: null });
}

/** The placeholder as a ready message: the same place, another content. */
export function fulfilled(
  placeholder: Placeholder,
  content: string,
  readyTime: number,
  mediaTimes: MediaTimes | null,
): ReadyMessage {
  return message(placeholder, content, placeholder, { mediaProcessingId: null, readyTime, mediaTimes });
}

/** Spelt out, not spread: the object is smaller, made faster, and of one hidden class whatever the draft's is. */
function message<G extends Guid | null, T extends number | null>(
  draft: MessageDraft,
  content: string,
  { id, acceptedTime }: Place,
  {
    mediaProcessingId,
    readyTime,
    mediaTimes,
  }: {
    readonly mediaProcessingId: G;
    readonly readyTime: T;
    readonly mediaTimes: MediaTimes | null;
  },
): Message & { readonly mediaProcessingId: G; readonly readyTime: T } {
  return {
    id,
    content,
    messageSize: content.length,
    acceptedTime,
    readyTime,
    mediaProcessingId,
    mediaTimes,
    sender: draft.sender,
    source: draft.source,
    direction: draft.direction,
    originatingTime: draft.originatingTime,
    receivedTime: draft.receivedTime,
    group: draft.group,
    providerMessageId: draft.providerMessageId,
    mimeType: draft.mimeType,
    originalFilename: draft.originalFilename,
    recipientId: draft.recipientId,
    actualSender: draft.actualSender,
    quoted: draft.quoted,
    mentions: draft.mentions,
    albumId: draft.albumId,
    editsProviderMessageId: draft.editsProviderMessageId,
    correctsId: draft.correctsId,
    backlog: draft.backlog,
  };
}
