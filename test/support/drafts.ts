import type { Guid } from '../../src/base/ids.ts';
import type { MessageDraft } from '../../src/queue/message.ts';

/** A text that somebody wrote in a chat. */
export function textDraft(content: string, changes: Partial<MessageDraft> = {}): MessageDraft {
  return {
    content,
    sender: { identifier: '4915@s.whatsapp.net', displayName: 'Ada', alternateIdentifiers: ['77@lid'] },
    source: 'user',
    direction: 'incoming',
    originatingTime: null,
    receivedTime: null,
    group: null,
    providerMessageId: null,
    mediaProcessingId: null,
    mimeType: null,
    originalFilename: null,
    recipientId: null,
    actualSender: null,
    quoted: null,
    mentions: [],
    albumId: null,
    editsProviderMessageId: null,
    correctsId: null,
    backlog: false,
    ...changes,
  };
}

/** A voice note with a caption, or without one. */
export const voiceDraft = (mediaProcessingId: Guid, caption = ''): MessageDraft =>
  textDraft(caption, { mediaProcessingId, mimeType: 'audio/ogg; codecs=opus' });
