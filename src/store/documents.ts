import { DragomanError } from '../base/errors.ts';
import type { Guid } from '../base/ids.ts';
import type { CorrespondentKey, JobCollection, JobStatus, MediaProcessingJob } from '../jobs/job.ts';
import {
  isPlaceholder,
  isReady,
  type Message,
  type MessageDirection,
  type MessageSource,
  type Placeholder,
  type ReadyMessage,
} from '../queue/message.ts';

/**
 * What is written, in snake_case, the same in both stores; and the only code that turns it into the domain's types and
 * back. Records are trusted to be what this program wrote, but a damaged one is told by name, see `readRecord`.
 */

/** Names one record for whoever has to look at it: `queue_journal`, `support-bot/whatsapp-baileys/4915…/17`. */
export interface RecordName {
  readonly collection: string;
  readonly key: string;
}

/** Runs `read`, which decodes one record, and reports a record that does not decode as `store_corrupt`. */
export function readRecord<T>(name: RecordName, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new DragomanError('store_corrupt', `${name.collection}: the record ${name.key} is damaged`, {
      cause,
    });
  }
}

export const chatName = (key: CorrespondentKey): string =>
  `${key.botId}/${key.providerName}/${key.correspondentId}`;

// ── Messages ─────────────────────────────────────────────────────────────────────────────────────────────────────

export interface MessageDocument {
  readonly id: number;
  readonly content: string;
  readonly sender: {
    readonly identifier: string;
    readonly display_name: string | null;
    readonly alternate_identifiers: readonly string[];
  };
  readonly source: MessageSource;
  readonly direction: MessageDirection;
  readonly accepted_time: number;
  readonly ready_time: number | null;
  readonly originating_time: number | null;
  readonly message_size: number;
  readonly group: {
    readonly id: string;
    readonly name: string | null;
    readonly alternate_identifiers: readonly string[];
  } | null;
  readonly provider_message_id: string | null;
  readonly media_processing_id: Guid | null;
  readonly mime_type: string | null;
  readonly original_filename: string | null;
  readonly recipient_id: string | null;
  readonly actual_sender: string | null;
  readonly quoted: { readonly provider_message_id: string; readonly text: string } | null;
  readonly mentions: readonly string[];
  readonly album_id: string | null;
  readonly edits_provider_message_id: string | null;
  readonly corrects_id: number | null;
  readonly backlog: boolean;
}

export function messageDocument(message: Message): MessageDocument {
  const { sender, group, quoted } = message;
  return {
    id: message.id,
    content: message.content,
    sender: {
      identifier: sender.identifier,
      display_name: sender.displayName,
      alternate_identifiers: sender.alternateIdentifiers,
    },
    source: message.source,
    direction: message.direction,
    accepted_time: message.acceptedTime,
    ready_time: message.readyTime,
    originating_time: message.originatingTime,
    message_size: message.messageSize,
    group: group && { id: group.id, name: group.name, alternate_identifiers: group.alternateIdentifiers },
    provider_message_id: message.providerMessageId,
    media_processing_id: message.mediaProcessingId,
    mime_type: message.mimeType,
    original_filename: message.originalFilename,
    recipient_id: message.recipientId,
    actual_sender: message.actualSender,
    quoted: quoted && { provider_message_id: quoted.providerMessageId, text: quoted.text },
    mentions: message.mentions,
    album_id: message.albumId,
    edits_provider_message_id: message.editsProviderMessageId,
    corrects_id: message.correctsId,
    backlog: message.backlog,
  };
}

/** Throws a TypeError when the document lacks what makes a message; call it within `readRecord`. */
export function messageFrom(document: MessageDocument): Message {
  const { sender, group, quoted } = document;
  if (!Number.isSafeInteger(document.id) || typeof document.content !== 'string') {
    throw new TypeError('expected a message with an id and a content');
  }
  return {
    id: document.id,
    content: document.content,
    sender: {
      identifier: sender.identifier,
      displayName: sender.display_name,
      alternateIdentifiers: sender.alternate_identifiers,
    },
    source: document.source,
    direction: document.direction,
    acceptedTime: document.accepted_time,
    readyTime: document.ready_time,
    originatingTime: document.originating_time,
    messageSize: document.message_size,
    group: group && { id: group.id, name: group.name, alternateIdentifiers: group.alternate_identifiers },
    providerMessageId: document.provider_message_id,
    mediaProcessingId: document.media_processing_id,
    mimeType: document.mime_type,
    originalFilename: document.original_filename,
    recipientId: document.recipient_id,
    actualSender: document.actual_sender,
    quoted: quoted && { providerMessageId: quoted.provider_message_id, text: quoted.text },
    mentions: document.mentions,
    albumId: document.album_id,
    editsProviderMessageId: document.edits_provider_message_id,
    correctsId: document.corrects_id,
    backlog: document.backlog,
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

/** The views (SQLite) or collections (MongoDB) that hold the jobs. */
export const JOB_COLLECTION_NAMES: Readonly<Record<JobCollection, string>> = {
  active: 'media_processing_jobs',
  holding: 'media_processing_jobs_holding',
  failed: 'media_processing_jobs_failed',
};

/** `media_metadata` and `error` as they are written. */
export interface MediaMetadataDocument {
  readonly bytes: number | null;
  readonly sha256: string | null;
  readonly quota_exceeded: boolean;
  readonly corrupt_reason: string | null;
  readonly gateway_id: string;
}

export interface JobDocument {
  readonly guid: Guid;
  readonly bot_id: string;
  readonly provider_name: string;
  readonly correspondent_id: string;
  readonly placeholder_message: MessageDocument;
  readonly mime_type: string;
  readonly pool: string | null;
  readonly original_filename: string | null;
  readonly status: JobStatus;
  readonly result: string | null;
  readonly error: MediaProcessingJob['error'];
  readonly attempts: number;
  readonly claim_token: string | null;
  readonly lease_expires_at: number | null;
  readonly available_at: number | null;
  readonly round: number;
  readonly seq: number;
  readonly created_at: number;
  readonly changed_at: number;
  readonly media_metadata: MediaMetadataDocument;
}

export function mediaMetadataDocument(media: MediaProcessingJob['media']): MediaMetadataDocument {
  return {
    bytes: media.bytes,
    sha256: media.sha256,
    quota_exceeded: media.quotaExceeded,
    corrupt_reason: media.corruptReason,
    gateway_id: media.gatewayId,
  };
}

/** Throws a TypeError when the document lacks what makes a job; call it within `readRecord`. */
export function jobFrom(document: JobDocument, collection: JobCollection): MediaProcessingJob {
  const { media_metadata: media } = document;
  return {
    guid: document.guid,
    correspondent: {
      botId: document.bot_id,
      providerName: document.provider_name,
      correspondentId: document.correspondent_id,
    },
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
    media: {
      bytes: media.bytes,
      sha256: media.sha256,
      quotaExceeded: media.quota_exceeded,
      corruptReason: media.corrupt_reason,
      gatewayId: media.gateway_id,
    },
  };
}
