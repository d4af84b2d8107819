import type { Guid } from '../../../base/ids.ts';
import type { CorrespondentKey } from '../../../jobs/job.ts';
import type { IdleJob, JobTrace } from '../../job-store.ts';
import type { Connection } from '../connection.ts';
import { JOB_ROW, type JobRow } from '../rows.ts';
import { ownedChat, type Session } from './session.ts';

/** What keeps the store from growing for ever, and what forgets a chat. Long deletions are steps, as moves are. */

export const expireJob = (
  { connection }: Session,
  { guid, changedAt }: IdleJob,
  error: string,
  now: number,
): JobRow | undefined =>
  connection.get<JobRow>(
    `UPDATE jobs SET status = 'completed', error = ?, available_at = NULL, changed_at = ?
     WHERE guid = ? AND changed_at = ? AND collection <> 'failed' AND status IN ('downloading', 'pending', 'waiting')
     RETURNING ${JOB_ROW}`,
    error,
    now,
    guid,
    changedAt,
  );

export const jobsAmong = (connection: Connection, guids: readonly Guid[]): JobTrace[] =>
  connection.all(
    `SELECT guid, collection, status, changed_at AS changedAt FROM jobs
     WHERE guid IN (SELECT value FROM json_each(?))`,
    JSON.stringify(guids),
  );

const OF_CHAT = 'bot_id = ? AND provider_name = ? AND correspondent_id = ?';

export interface ChatName {
  readonly chat: number;
  readonly providerName: string;
  readonly correspondentId: string;
}

export const chatsAfter = (
  connection: Connection,
  botId: string,
  afterChat: number,
  atMost: number,
): ChatName[] =>
  connection.all(
    `SELECT chat, provider_name AS providerName, correspondent_id AS correspondentId FROM correspondents
     WHERE bot_id = ? AND chat > ? ORDER BY chat LIMIT ?`,
    botId,
    afterChat,
    atMost,
  );

/** What a chat has in its history before a time, at most so much of it, from its oldest entry on. Returns how many went. */
export function pruneHistory(
  { connection }: Session,
  { botId, providerName, correspondentId }: CorrespondentKey,
  before: number,
  atMost: number,
): number {
  const oldest = connection.all<{ seq: number; at: number }>(
    `SELECT ingest_seq AS seq, ingested_at AS at FROM queues WHERE ${OF_CHAT} ORDER BY ingest_seq LIMIT ?`,
    botId,
    providerName,
    correspondentId,
    atMost,
  );
  const firstToStay = oldest.findIndex(({ at }) => at >= before);
  const last = oldest.at(firstToStay < 0 ? -1 : firstToStay - 1);
  if (firstToStay === 0 || last === undefined) return 0;
  return connection.run(
    `DELETE FROM queues WHERE ${OF_CHAT} AND ingest_seq <= ?`,
    botId,
    providerName,
    correspondentId,
    last.seq,
  );
}

export interface ForgottenRows {
  readonly queued: number;
  readonly media: { readonly guid: Guid; readonly gatewayId: string }[];
}

/** Of a chat whose history is gone already: all the rest. */
export function forgetChat(session: Session, key: CorrespondentKey): ForgottenRows {
  const { connection } = session;
  const { chat, next_id: nextId, next_ingest_seq: nextIngestSeq } = ownedChat(session, key);
  const named = [key.botId, key.providerName, key.correspondentId] as const;
  const media = connection.all<{ guid: Guid; gatewayId: string }>(
    `DELETE FROM jobs WHERE ${OF_CHAT} RETURNING guid, media_metadata ->> 'gateway_id' AS gatewayId`,
    ...named,
  );
  const queued = connection.run(`DELETE FROM queue_journal WHERE ${OF_CHAT}`, ...named);
  connection.run('DELETE FROM message_ids WHERE chat = ?', chat);
  connection.run('DELETE FROM correspondent_aliases WHERE chat = ?', chat);
  connection.run('DELETE FROM correspondents WHERE chat = ?', chat);
  for (const [name, value] of [
    ['first_id', nextId],
    ['first_ingest_seq', nextIngestSeq],
  ] as const) {
    connection.run(
      'INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = max(value, excluded.value)',
      name,
      value,
    );
  }
  return { queued, media };
}
