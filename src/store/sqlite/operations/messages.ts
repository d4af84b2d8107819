import type { Guid } from '../../../base/ids.ts';
import type { CorrespondentKey } from '../../../jobs/job.ts';
import type { AcceptOutcome, ClaimedSettleOutcome, SettleOutcome } from '../../message-store.ts';
import { expectNextId } from '../../refusals.ts';
import type { Connection } from '../connection.ts';
import type { ChatRow, HistoryRow, NewJobRow, StoredMessageRow } from '../rows.ts';
import { endClaimedJob, endJob, insertJob } from './jobs.ts';
import { ownedChat, type Session } from './session.ts';

export interface AcceptanceRow {
  readonly key: CorrespondentKey;
  readonly id: number;
  readonly acceptedTime: number;
  readonly mediaProcessingId: Guid | null;
  readonly message: string;
  readonly sender: string;
  readonly fromMe: boolean;
  /** Null never matches another message. */
  readonly providerMessageId: string | null;
  readonly evictedIds: readonly number[];
  readonly job: NewJobRow | null;
}

export function accept(session: Session, row: AcceptanceRow): AcceptOutcome {
  const { connection } = session;
  const { key } = row;
  const chat = ownedChat(session, key);
  const firstId = rememberMessageId(connection, row);
  if (firstId !== null) return { kind: 'duplicate', id: firstId };
  enqueue(connection, chat, row);
  if (row.job !== null) insertJob(connection, key, row.job, row.message);
  return { kind: 'accepted' };
}

/** A message at the tail of a chat's journal, and what goes to make room for it. */
export type EnqueuedRow = Pick<AcceptanceRow, 'key' | 'id' | 'mediaProcessingId' | 'message' | 'evictedIds'>;

export function enqueue(connection: Connection, chat: ChatRow, row: EnqueuedRow): void {
  const { key, id, mediaProcessingId, message, evictedIds } = row;
  expectNextId(key, chat.next_id, id);
  connection.run('UPDATE correspondents SET next_id = ? WHERE chat = ?', id + 1, chat.chat);
  connection.run(
    'INSERT INTO queue_journal VALUES (?, ?, ?, ?, ?, ?)',
    key.botId,
    key.providerName,
    key.correspondentId,
    id,
    mediaProcessingId,
    message,
  );
  deleteReady(connection, key, evictedIds);
}

/** Returns the id of the first copy when this one is a duplicate, otherwise null. */
function rememberMessageId(connection: Connection, row: AcceptanceRow): number | null {
  const { key, providerMessageId, sender, id } = row;
  if (providerMessageId === null) return null;
  const chat = chatNamed(connection, key);
  const fromMe = row.fromMe ? 1 : 0;
  const inserted = connection.run(
    'INSERT INTO message_ids VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
    chat,
    sender,
    fromMe,
    providerMessageId,
    id,
    row.acceptedTime,
  );
  if (inserted > 0) return null;
  const first = connection.one<{ id: number }>(
    'SELECT id FROM message_ids WHERE chat = ? AND provider_message_id = ? AND sender = ? AND from_me = ?',
    chat,
    providerMessageId,
    sender,
    fromMe,
  );
  return first.id;
}

/** The chat that the correspondent's id names: of a drained chat, the older one, where its duplicate keys went. */
const chatNamed = (connection: Connection, key: CorrespondentKey): number =>
  connection.one<{ chat: number }>(
    'SELECT chat FROM correspondent_aliases WHERE bot_id = ? AND provider_name = ? AND alias = ?',
    key.botId,
    key.providerName,
    key.correspondentId,
  ).chat;

export interface SettlementRow {
  readonly key: CorrespondentKey;
  readonly guid: Guid;
  readonly id: number;
  readonly readyTime: number;
  readonly message: string;
  readonly evictedIds: readonly number[];
  /** Null: the job is deleted. */
  readonly error: string | null;
}

export function settle(session: Session, row: SettlementRow): SettleOutcome {
  const { connection } = session;
  ownedChat(session, row.key);
  endJob(connection, row.guid, row.error, row.readyTime);
  return fulfil(connection, row);
}

export interface ClaimedSettlementRow extends SettlementRow {
  readonly claimToken: string;
  readonly words: string;
  readonly completedAt: number;
}

export function completeAndSettle(session: Session, row: ClaimedSettlementRow): ClaimedSettleOutcome {
  const { connection } = session;
  ownedChat(session, row.key);
  const times = { completedAt: row.completedAt, endedAt: row.readyTime };
  return endClaimedJob(connection, row, row, times) ? fulfil(connection, row) : 'stale';
}

/** Journal entry ← text, with what that evicts. */
function fulfil(connection: Connection, row: SettlementRow): SettleOutcome {
  const { key, guid } = row;
  const settled = connection.run(
    `UPDATE queue_journal SET media_processing_id = NULL, message = ?
     WHERE bot_id = ? AND provider_name = ? AND correspondent_id = ? AND id = ? AND media_processing_id = ?`,
    row.message,
    key.botId,
    key.providerName,
    key.correspondentId,
    row.id,
    guid,
  );
  if (settled === 0) return 'gone';
  deleteReady(connection, key, row.evictedIds);
  return 'settled';
}

/** Moves what the journal holds, so that the history is what was durable. */
export function ingest(session: Session, key: CorrespondentKey, ids: readonly number[], now: number): number {
  const { connection } = session;
  const chat = ownedChat(session, key);
  const { botId, providerName, correspondentId } = key;
  let nextSeq = chat.next_ingest_seq;
  for (const id of new Set(ids)) {
    nextSeq += connection.run(
      `INSERT INTO queues (bot_id, provider_name, correspondent_id, id, ingest_seq, ingested_at, message)
       SELECT bot_id, provider_name, correspondent_id, id, ?, ?, message FROM queue_journal
       WHERE bot_id = ? AND provider_name = ? AND correspondent_id = ? AND id = ?
         AND media_processing_id IS NULL`,
      nextSeq,
      now,
      botId,
      providerName,
      correspondentId,
      id,
    );
  }
  deleteReady(connection, key, ids);
  connection.run('UPDATE correspondents SET next_ingest_seq = ? WHERE chat = ?', nextSeq, chat.chat);
  return nextSeq - chat.next_ingest_seq;
}

export interface LostPlaceholderRow {
  readonly key: CorrespondentKey;
  readonly id: number;
  readonly guid: Guid;
  readonly message: string;
  readonly evictedIds: readonly number[];
}

export function reinstate(session: Session, row: LostPlaceholderRow): 'reinstated' | 'gone' {
  const { connection } = session;
  const { id, guid, message, evictedIds } = row;
  const chat = ownedChat(session, row.key);
  const { botId, providerName, correspondentId } = row.key;
  const reinstated = connection.run(
    `INSERT INTO queue_journal
     SELECT bot_id, provider_name, correspondent_id, ?, guid, ? FROM jobs
     WHERE guid = ? AND collection <> 'failed' AND bot_id = ? AND provider_name = ? AND correspondent_id = ?
       AND NOT EXISTS (SELECT 1 FROM queues WHERE bot_id = ? AND provider_name = ? AND correspondent_id = ? AND id = ?)
       AND NOT EXISTS (SELECT 1 FROM queue_journal
                       WHERE bot_id = ? AND provider_name = ? AND correspondent_id = ?
                         AND (id = ? OR media_processing_id = ?))`,
    id,
    message,
    guid,
    botId,
    providerName,
    correspondentId,
    botId,
    providerName,
    correspondentId,
    id,
    botId,
    providerName,
    correspondentId,
    id,
    guid,
  );
  if (reinstated === 0) return 'gone';
  if (id >= chat.next_id) {
    connection.run('UPDATE correspondents SET next_id = ? WHERE chat = ?', id + 1, chat.chat);
  }
  deleteReady(connection, row.key, evictedIds);
  return 'reinstated';
}

export function evict(session: Session, key: CorrespondentKey, ids: readonly number[]): void {
  ownedChat(session, key);
  deleteReady(session.connection, key, ids);
}

/** A placeholder is never deleted: its job is alive (S4). */
function deleteReady(connection: Connection, key: CorrespondentKey, ids: readonly number[]): void {
  for (const id of ids) {
    connection.run(
      `DELETE FROM queue_journal
       WHERE bot_id = ? AND provider_name = ? AND correspondent_id = ? AND id = ? AND media_processing_id IS NULL`,
      key.botId,
      key.providerName,
      key.correspondentId,
      id,
    );
  }
}

/** One part of it at a time, so that writers wait for none that is long. */
export const pruneMessageIds = ({ connection }: Session, before: number, atMost: number): number =>
  connection.run(
    `DELETE FROM message_ids WHERE rowid IN (
       SELECT rowid FROM message_ids WHERE first_seen_at < ? ORDER BY first_seen_at LIMIT ?)`,
    before,
    atMost,
  );

export const history = (
  connection: Connection,
  key: CorrespondentKey,
  afterSeq: number,
  limit: number,
): HistoryRow[] =>
  connection.all(
    `SELECT id, ingest_seq, ingested_at, message FROM queues
     WHERE bot_id = ? AND provider_name = ? AND correspondent_id = ? AND ingest_seq > ?
     ORDER BY ingest_seq LIMIT ?`,
    key.botId,
    key.providerName,
    key.correspondentId,
    afterSeq,
    limit,
  );

/** One statement, hence one moment: a message that moves meanwhile is found in one place or the other. */
export const findMessage = (
  connection: Connection,
  key: CorrespondentKey,
  id: number,
): StoredMessageRow | undefined => {
  const { botId, providerName, correspondentId } = key;
  return connection.get(
    `SELECT id, message, NULL AS ingested_at FROM queue_journal
     WHERE bot_id = ?1 AND provider_name = ?2 AND correspondent_id = ?3 AND id = ?4
     UNION ALL SELECT id, message, ingested_at FROM queues
     WHERE bot_id = ?1 AND provider_name = ?2 AND correspondent_id = ?3 AND id = ?4`,
    botId,
    providerName,
    correspondentId,
    id,
  );
};
