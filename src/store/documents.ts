import type { CorrespondentKey, JobCollection, MediaMetadata, MediaProcessingJob } from '../jobs/job.ts';
import {
  isPlaceholder,
  isReady,
  type Message,
  type Placeholder,
  type ReadyMessage,
} from '../queue/message.ts';
import type { UnplacedJob } from './job-records.ts';

/**
 * What is written, in snake_case, the same in both stores; and the only code that turns it into the domain's types and
 * back. A document's type is what its writer makes, and a reader makes the whole of the domain's type: a field of the
 * domain that only one of the two knows does not compile.
 */

// ── Chats ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** The fields by which every document of a chat names it. */
export type ChatFields = Readonly<ReturnType<typeof chatFields>>;

export const chatFields = (key: CorrespondentKey) => ({
  bot_id: key.botId,
  provider_name: key.providerName,
  correspondent_id: key.correspondentId,
});

export const chatKey = (document: ChatFields): CorrespondentKey => ({
  botId: document.bot_id,
  providerName: document.provider_name,
  correspondentId: document.correspondent_id,
});

// ── Messages ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** What a message does not have is not in its document: most of them have little besides their text. */
export type MessageDocument = Readonly<ReturnType<typeof messageDocument>>;

/** Writers drop the fields that are undefined, as JSON does. */
export function messageDocument(message: Message) {
  const { sender, group, quoted, mediaTimes } = message;
  return {
    id: message.id,
    content: message.content,
    sender: {
      identifier: sender.identifier,
      display_name: sender.displayName ?? undefined,
      alternate_identifiers: sender.alternateIdentifiers,
    },
    source: message.source,
    direction: message.direction,
    accepted_time: message.acceptedTime,
    ready_time: message.readyTime ?? undefined,
    originating_time: message.originatingTime ?? undefined,
    received_time: message.receivedTime ?? undefined,
    media_times:
      mediaTimes === null
        ? undefined
        : {
            staged_at: mediaTimes.stagedAt ?? undefined,
            claimed_at: mediaTimes.claimedAt ?? undefined,
            completed_at: mediaTimes.completedAt ?? undefined,
          },
    message_size: message.messageSize,
    group:
      group === null
        ? undefined
        : {
            id: group.id,
            name: group.name ?? undefined,
            alternate_identifiers: group.alternateIdentifiers,
          },
    provider_message_id: message.providerMessageId ?? undefined,
    media_processing_id: message.mediaProcessingId ?? undefined,
    mime_type: message.mimeType ?? undefined,
    original_filename: message.originalFilename ?? undefined,
    recipient_id: message.recipientId ?? undefined,
    actual_sender: message.actualSender ?? undefined,
    quoted:
      quoted === null ? undefined : { provider_message_id: quoted.providerMessageId, text: quoted.text },
    mentions: message.mentions.length > 0 ? message.mentions : undefined,
    album_id: message.albumId ?? undefined,
    edits_provider_message_id: message.editsProviderMessageId ?? undefined,
    corrects_id: message.correctsId ?? undefined,
    backlog: message.backlog || undefined,
  };
}

/** Throws a TypeError when the document lacks what makes a message; call it within `readRecord`. */
export function messageFrom(document: MessageDocument): Message {
  const { sender, group, quoted, media_times: times } = document;
  if (!Number.isSafeInteger(document.id) || typeof document.content !== 'string') {
    throw new TypeError('expected a message with an id and a content');
  }
  return {
    id: document.id,
    content: document.content,
    sender: {
      identifier: sender.identifier,
      displayName: sender.display_name ?? null,
      alternateIdentifiers: sender.alternate_identifiers,
    },
    source: document.source,
    direction: document.direction,
    acceptedTime: document.accepted_time,
    readyTime: document.ready_time ?? null,
    originatingTime: document.originating_time ?? null,
    receivedTime: document.received_time ?? null,
    mediaTimes:
      times === undefined
        ? null
        : {
            stagedAt: times.staged_at ?? null,
            claimedAt: times.claimed_at ?? null,
            completedAt: times.completed_at ?? null,
          },
    messageSize: document.message_size,
    group:
      group === undefined
        ? null
        : { id: group.id, name: group.name ?? null, alternateIdentifiers: group.alternate_identifiers },
    providerMessageId: document.provider_message_id ?? null,
    mediaProcessingId: document.media_processing_id ?? null,
    mimeType: document.mime_type ?? null,
    originalFilename: document.original_filename ?? null,
    recipientId: document.recipient_id ?? null,
    actualSender: document.actual_sender ?? null,
    quoted:
      quoted === undefined ? null : { providerMessageId: quoted.provider_message_id, text: quoted.text },
    mentions: document.mentions ?? [],
    albumId: document.album_id ?? null,
    editsProviderMessageId: document.edits_provider_message_id ?? null,
    correctsId: document.corrects_id ?? null,
    backlog: document.backlog ?? false,
  };
}

export function readyMessageFrom(document: MessageDocument): ReadyMessage {
  const message = messageFrom(document);
  if (!isReady(message)) throw new TypeError('expected a ready message, got a placeholder');
  return message;
}

function placeholderFrom(document: MessageDocument): Placeholder {
  const message = messageFrom(document);
  if (!isPlaceholder(message)) throw new TypeError('expected a placeholder, got a ready message');
  return message;
}

// ── Jobs ─────────────────────────────────────────────────────────────────────────────────────────────────────────

type MediaMetadataDocument = Readonly<ReturnType<typeof mediaMetadataDocument>>;
type WrittenJob = Readonly<ReturnType<typeof jobDocument>>;
type Times = 'staged_at' | 'claimed_at' | 'completed_at';

/** Jobs of before their times were noted have none of them. */
export type JobDocument = Omit<WrittenJob, Times> & Partial<Pick<WrittenJob, Times>>;

export const mediaMetadataDocument = (media: MediaMetadata) => ({
  bytes: media.bytes,
  sha256: media.sha256,
  quota_exceeded: media.quotaExceeded,
  corrupt_reason: media.corruptReason,
  gateway_id: media.gatewayId,
});

const mediaMetadataFrom = (document: MediaMetadataDocument): MediaMetadata => ({
  bytes: document.bytes,
  sha256: document.sha256,
  quotaExceeded: document.quota_exceeded,
  corruptReason: document.corrupt_reason,
  gatewayId: document.gateway_id,
});

export const jobDocument = (job: UnplacedJob, round: number, seq: number) => ({
  guid: job.guid,
  ...chatFields(job.correspondent),
  placeholder_message: messageDocument(job.placeholder),
  mime_type: job.mimeType,
  pool: job.pool,
  original_filename: job.originalFilename,
  status: job.status,
  result: job.result,
  error: job.error,
  attempts: job.attempts,
  claim_token: job.claimToken,
  lease_expires_at: job.leaseExpiresAt,
  available_at: job.availableAt,
  round,
  seq,
  created_at: job.createdAt,
  changed_at: job.changedAt,
  staged_at: job.stagedAt,
  claimed_at: job.claimedAt,
  completed_at: job.completedAt,
  media_metadata: mediaMetadataDocument(job.media),
});

/** Throws a TypeError when the document lacks what makes a job; call it within `readRecord`. */
export const jobFrom = (document: JobDocument, collection: JobCollection): MediaProcessingJob => ({
  guid: document.guid,
  correspondent: chatKey(document),
  placeholder: placeholderFrom(document.placeholder_message),
  collection,
  status: document.status,
  mimeType: document.mime_type,
  pool: document.pool,
  originalFilename: document.original_filename,
  result: document.result,
  error: document.error,
  attempts: document.attempts,
  claimToken: document.claim_token,
  leaseExpiresAt: document.lease_expires_at,
  availableAt: document.available_at,
  round: document.round,
  seq: document.seq,
  createdAt: document.created_at,
  changedAt: document.changed_at,
  stagedAt: document.staged_at ?? null,
  claimedAt: document.claimed_at ?? null,
  completedAt: document.completed_at ?? null,
  media: mediaMetadataFrom(document.media_metadata),
});
