import { newGuid } from '../../src/base/ids.ts';
import type { CorrespondentKey, JobError, MediaMetadata } from '../../src/jobs/job.ts';
import type { Message, Placeholder, ReadyMessage } from '../../src/queue/message.ts';
import type { Acceptance, NewJob, StagedMedia } from '../../src/store/message-store.ts';
import { textDraft } from './drafts.ts';

/** Near the real time, for a store whose leases run on its server's clock. */
export const NOW = Date.now();
export const HOUR_MS = 3_600_000;
export const PROVIDER = 'simulator';

export const keyOf = (correspondentId: string, botId = 'bot-a'): CorrespondentKey => ({
  botId,
  providerName: PROVIDER,
  correspondentId,
});

/** A text with its place in the chat. */
export function textMessage(id: number, changes: Partial<ReadyMessage> = {}): ReadyMessage {
  const content = changes.content ?? `text ${id}`;
  const draft = textDraft(content, {
    sender: { identifier: '4915@s', displayName: 'Ada', alternateIdentifiers: ['77@lid'] },
    originatingTime: NOW - 1_000,
    receivedTime: NOW - 500,
    providerMessageId: `provider-${id}`,
  });
  return {
    ...draft,
    id,
    mediaTimes: null,
    acceptedTime: NOW,
    readyTime: NOW,
    messageSize: content.length,
    mediaProcessingId: null,
    ...changes,
  };
}

export function placeholderMessage(
  id: number,
  guid: string = newGuid(),
  changes: Partial<Message> = {},
): Placeholder {
  return {
    ...textMessage(id, { content: 'a caption' }),
    ...changes,
    mediaProcessingId: guid,
    mimeType: 'audio/ogg',
    readyTime: null,
  };
}

/** The placeholder's place with words in it. */
export const fulfilled = (
  placeholder: Placeholder,
  content = `[words] ${placeholder.content}`,
): ReadyMessage => ({
  ...placeholder,
  content,
  messageSize: content.length,
  mediaProcessingId: null,
  readyTime: NOW + 500,
});

export const mediaMetadata = (changes: Partial<MediaMetadata> = {}): MediaMetadata => ({
  bytes: 4_096,
  sha256: 'a'.repeat(64),
  quotaExceeded: false,
  corruptReason: null,
  gatewayId: 'gateway-1',
  ...changes,
});

export const stagedMedia = (pool = 'audio'): StagedMedia => ({
  mimeType: 'audio/ogg',
  pool,
  media: mediaMetadata(),
});

export const jobError = (code: JobError['code'] = 'failed'): JobError => ({
  code,
  reason: `it ${code}`,
  stack: null,
});

export const newJob = (guid: string, changes: Partial<NewJob> = {}): NewJob => ({
  guid,
  mimeType: 'audio/ogg',
  originalFilename: 'voice.ogg',
  gatewayId: 'gateway-1',
  start: { kind: 'staged', media: stagedMedia() },
  collection: 'active',
  ...changes,
});

export const acceptText = (correspondent: CorrespondentKey, message: Message): Acceptance => ({
  correspondent,
  message,
  evictedIds: [],
  job: null,
});

export const acceptMedia = (
  correspondent: CorrespondentKey,
  placeholder: Placeholder,
  changes: Partial<NewJob> = {},
): Acceptance => ({
  correspondent,
  message: placeholder,
  evictedIds: [],
  job: newJob(placeholder.mediaProcessingId, changes),
});
