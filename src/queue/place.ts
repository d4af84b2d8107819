import type { Guid } from '../base/ids.ts';
import type { MessageDraft, Placeholder, ReadyMessage } from './message.ts';

/** What a queue gives a message on its arrival. */
export interface Place {
  readonly id: number;
  readonly acceptedTime: number;
}

/** A text, ready from its arrival. `content`: the draft's, cut. */
export function placeText(draft: MessageDraft, content: string, { id, acceptedTime }: Place): ReadyMessage {
  return {
    ...draft,
    content,
    mediaProcessingId: null,
    id,
    acceptedTime,
    readyTime: acceptedTime,
    messageSize: content.length,
  };
}

/** A medium whose words are to come. `content`: the draft's caption, cut. */
export function placePlaceholder(
  draft: MessageDraft,
  guid: Guid,
  content: string,
  { id, acceptedTime }: Place,
): Placeholder {
  return {
    ...draft,
    content,
    mediaProcessingId: guid,
    id,
    acceptedTime,
    readyTime: null,
    messageSize: content.length,
  };
}

/** The placeholder as a ready message: the same place, another content. */
export function fulfilled(placeholder: Placeholder, content: string, readyTime: number): ReadyMessage {
  return { ...placeholder, content, mediaProcessingId: null, readyTime, messageSize: content.length };
}
