import { DragomanError, hasCode } from '../base/errors.ts';
import type { Guid } from '../base/ids.ts';
import type { Logger } from '../base/log.ts';
import type { JobCollection, JobStatus, MediaProcessingJob } from '../jobs/job.ts';
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
export function readRecord<T>(nameOf: () => RecordName, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    const { collection, key } = nameOf();
    throw new DragomanError('store_corrupt', `${collection}: the record ${key} is damaged`, { cause });
  }
}

/** Decodes each of `records`. A damaged one is logged by name and left out: it must not cost the others their lives. */
export function readSound<Row, T>(records: readonly Row[], read: (record: Row) => T, log: Logger): T[] {
  return records.flatMap((record) => {
    try {
      return [read(record)];
    } catch (error) {
      if (!hasCode(error, 'store_corrupt')) throw error;
      log.error({ error: error.message }, 'a damaged record is left out');
      return [];
    }
  });
}

// ── Messages ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** What a message does not have is not in its document: most of them have little besides their text. */
export interface MessageDocument {
  readonly id: number;
  readonly content: string;
  readonly sender: {
    readonly identifier: string;
    readonly display_name: string | undefined;
    readonly alternate_identifiers: readonly string[];
  };
  readonly source: MessageSource;
  readonly direction: MessageDirection;
  readonly accepted_time: number;
  readonly ready_time: number | undefined;
  readonly originating_time: number | undefined;
  /** None in messages of before it was noted, and in those that no gateway received. */
  readonly received_time?: number | undefined;
  readonly media_times?: MediaTimesDocument | undefined;
  readonly message_size: number;
  readonly group:
    | {
        readonly id: string;
        readonly name: string | undefined;
        readonly alternate_identifiers: readonly string[];
      }
    | undefined;
  readonly provider_message_id: string | undefined;
  readonly media_processing_id: Guid | undefined;
  readonly mime_type: string | undefined;
  readonly original_filename: string | undefined;
  readonly recipient_id: string | undefined;
  readonly actual_sender: string | undefined;
  readonly quoted: { readonly provider_message_id: string; readonly text: string } | undefined;
  readonly mentions: readonly string[] | undefined;
  readonly album_id: string | undefined;
  readonly edits_provider_message_id: string | undefined;
  readonly corrects_id: number | undefined;
  readonly backlog: true | undefined;
}

/** What did not happen is not in it. */
export interface MediaTimesDocument {
  readonly staged_at: number | undefined;
  readonly claimed_at: number | undefined;
  readonly completed_at: number | undefined;
}

/** Writers drop the fields that are undefined, as JSON does. */
export function messageDocument(message: Message): MessageDocument {
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

/** The views (SQLite) or collections (MongoDB) that hold the jobs. */
export const JOB_COLLECTION_NAMES: Readonly<Record<JobCollection, string>> = {
  active: 'media_processing_jobs',
  holding: 'media_processing_jobs_holding',
  failed: 'media_processing_jobs_failed',
};

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
  /** None in jobs of before these were noted. */
  readonly staged_at?: number | null;
  readonly claimed_at?: number | null;
  readonly completed_at?: number | null;
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
    stagedAt: document.staged_at ?? null,
    claimedAt: document.claimed_at ?? null,
    completedAt: document.completed_at ?? null,
    media: {
      bytes: media.bytes,
      sha256: media.sha256,
      quotaExceeded: media.quota_exceeded,
      corruptReason: media.corrupt_reason,
      gatewayId: media.gateway_id,
    },
  };
}
