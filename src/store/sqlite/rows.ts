import type { Guid } from '../../base/ids.ts';
import type { CorrespondentKey, JobCollection, JobStatus, MediaProcessingJob } from '../../jobs/job.ts';
import type { Message } from '../../queue/message.ts';
import {
  type ChatFields,
  chatKey,
  type JobDocument,
  jobFrom,
  mediaMetadataDocument,
  messageDocument,
  type MessageDocument,
  messageFrom,
  readyMessageFrom,
} from '../documents.ts';
import { historyRecord, jobRecord, journalRecord, readRecord } from '../records.ts';
import type { UnplacedJob } from '../job-records.ts';
import type { CorrespondentRecord } from '../chat-store.ts';
import type { HistoryEntry, StoredMessage } from '../message-store.ts';

/**
 * What crosses between the store's threads: rows as SQLite keeps them, documents as JSON text. The calling thread
 * encodes and decodes, so that the threads only run statements.
 */

export interface ChatRow {
  readonly chat: number;
  readonly next_id: number;
  readonly next_ingest_seq: number;
  readonly fence: number;
}

export interface CorrespondentRow extends ChatFields {
  readonly next_id: number;
  readonly next_ingest_seq: number;
  readonly created_at: number;
  /** JSON array. */
  readonly aliases: string;
}

export interface JournalRow {
  readonly id: number;
  readonly message: string;
}

/** `ingested_at`: null while it is in the journal. */
export interface StoredMessageRow extends JournalRow {
  readonly ingested_at: number | null;
}

export interface HistoryRow {
  readonly id: number;
  readonly ingest_seq: number;
  readonly ingested_at: number;
  readonly message: string;
}

/** A job's columns; the nested documents are JSON text. */
export type JobRow = Omit<JobDocument, 'placeholder_message' | 'error' | 'media_metadata'> & {
  readonly collection: JobCollection;
  readonly placeholder_message: string;
  readonly error: string | null;
  readonly media_metadata: string;
};

/** What a statement on `jobs` selects, or returns, of a whole job. */
export const JOB_ROW =
  '*, (SELECT message FROM job_placeholders AS placeholder WHERE placeholder.seq = jobs.seq) AS placeholder_message';

/** A job before it has its place. */
export interface NewJobRow {
  readonly guid: Guid;
  readonly collection: JobCollection;
  readonly status: JobStatus;
  readonly pool: string | null;
  readonly createdAt: number;
  readonly stagedAt: number | null;
  readonly mimeType: string;
  readonly originalFilename: string | null;
  readonly error: string | null;
  readonly mediaMetadata: string;
  /** Null: it is the message that is accepted with it, which need not come twice. */
  readonly placeholderMessage: string | null;
}

export const messageJson = (message: Message): string => JSON.stringify(messageDocument(message));
export const mediaMetadataJson = (media: MediaProcessingJob['media']): string =>
  JSON.stringify(mediaMetadataDocument(media));
export const errorJson = (error: MediaProcessingJob['error']): string | null =>
  error === null ? null : JSON.stringify(error);

/** `accepted`: the message that comes with it. */
export function newJobRow(job: UnplacedJob, accepted: Message): NewJobRow {
  return {
    guid: job.guid,
    collection: job.collection,
    status: job.status,
    pool: job.pool,
    createdAt: job.createdAt,
    stagedAt: job.stagedAt,
    mimeType: job.mimeType,
    originalFilename: job.originalFilename,
    error: errorJson(job.error),
    mediaMetadata: mediaMetadataJson(job.media),
    placeholderMessage: job.placeholder === accepted ? null : messageJson(job.placeholder),
  };
}

export function messageOfRow(key: CorrespondentKey, row: JournalRow): Message {
  return readRecord(journalRecord(key, row.id), () => messageFrom(messageDocumentOf(row.message)));
}

export function historyEntryOfRow(key: CorrespondentKey, row: HistoryRow): HistoryEntry {
  return {
    ingestSeq: row.ingest_seq,
    ingestedAt: row.ingested_at,
    message: readRecord(historyRecord(key, row.id), () => readyMessageFrom(messageDocumentOf(row.message))),
  };
}

export const storedMessageOfRow = (key: CorrespondentKey, row: StoredMessageRow): StoredMessage => ({
  message: messageOfRow(key, row),
  ingestedAt: row.ingested_at,
});

export function jobOfRow(row: JobRow): MediaProcessingJob {
  const { collection, ...columns } = row;
  return readRecord(jobRecord(collection, row.guid), () =>
    jobFrom(
      {
        ...columns,
        placeholder_message: messageDocumentOf(row.placeholder_message),
        error: row.error === null ? null : JSON.parse(row.error),
        media_metadata: JSON.parse(row.media_metadata),
      },
      collection,
    ),
  );
}

export function correspondentOfRow(row: CorrespondentRow): CorrespondentRecord {
  const aliases: readonly string[] = JSON.parse(row.aliases);
  const others = aliases.filter((alias) => alias !== row.correspondent_id);
  return {
    ...chatKey(row),
    aliases: [row.correspondent_id, ...others],
    nextId: row.next_id,
    nextIngestSeq: row.next_ingest_seq,
    createdAt: row.created_at,
  };
}

const messageDocumentOf = (json: string): MessageDocument => JSON.parse(json);
