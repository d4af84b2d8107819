import type { CorrespondentKey } from '../../../jobs/job.ts';
import type { ChatsPage } from '../../chat-store.ts';
import type { Connection } from '../connection.ts';
import type { CorrespondentRow, JournalRow } from '../rows.ts';
import { ownedChat, type Session } from './session.ts';

interface KnownChat {
  readonly chat: number;
  readonly correspondent_id: string;
}

const CORRESPONDENT_COLUMNS = `bot_id, provider_name, correspondent_id, next_id, next_ingest_seq, created_at,
  (SELECT json_group_array(alias ORDER BY correspondent_aliases.rowid)
   FROM correspondent_aliases WHERE correspondent_aliases.chat = correspondents.chat) AS aliases`;

/**
 * Every identifier names one chat at most; that of a drained chat names the older one it was merged with, which takes
 * its duplicate keys too.
 */
export function resolveCorrespondent(
  session: Session,
  botId: string,
  providerName: string,
  identifiers: readonly [string, ...string[]],
  now: number,
): CorrespondentRow {
  const { connection } = session;
  const known = connection.all<KnownChat>(
    `SELECT chat, correspondent_id FROM correspondents WHERE chat IN (
       SELECT chat FROM correspondent_aliases
       WHERE bot_id = ? AND provider_name = ? AND alias IN (SELECT value FROM json_each(?)))
     ORDER BY chat`,
    botId,
    providerName,
    JSON.stringify(identifiers),
  );
  for (const { correspondent_id: correspondentId } of known) {
    ownedChat(session, { botId, providerName, correspondentId });
  }
  const [oldest, ...younger] = known;
  const chat = oldest?.chat ?? createChat(session, botId, providerName, identifiers[0], now);
  for (const other of younger) {
    connection.run('UPDATE correspondent_aliases SET chat = ? WHERE chat = ?', chat, other.chat);
    // What both chats have seen keeps the older one's place.
    connection.run('UPDATE OR IGNORE message_ids SET chat = ? WHERE chat = ?', chat, other.chat);
    connection.run('DELETE FROM message_ids WHERE chat = ?', other.chat);
  }
  for (const alias of identifiers) {
    connection.run(
      'INSERT INTO correspondent_aliases VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
      botId,
      providerName,
      alias,
      chat,
    );
  }
  return connection.one(`SELECT ${CORRESPONDENT_COLUMNS} FROM correspondents WHERE chat = ?`, chat);
}

/** Ids of a forgotten chat, which this one may be once more, are not used twice. */
const aboveForgotten = (name: 'first_id' | 'first_ingest_seq'): string =>
  `coalesce((SELECT value FROM meta WHERE key = '${name}'), 1)`;

function createChat(
  { connection, fence }: Session,
  botId: string,
  providerName: string,
  correspondentId: string,
  now: number,
): number {
  return connection.one<{ chat: number }>(
    `INSERT INTO correspondents
       (bot_id, provider_name, correspondent_id, next_id, next_ingest_seq, fence, created_at)
     VALUES (?, ?, ?, ${aboveForgotten('first_id')}, ${aboveForgotten('first_ingest_seq')}, ?, ?) RETURNING chat`,
    botId,
    providerName,
    correspondentId,
    fence,
    now,
  ).chat;
}

export function rehydrate(
  session: Session,
  key: CorrespondentKey,
): { readonly nextId: number; readonly rows: JournalRow[] } {
  const chat = ownedChat(session, key);
  const rows = session.connection.all<JournalRow>(
    `SELECT id, message FROM queue_journal
     WHERE bot_id = ? AND provider_name = ? AND correspondent_id = ? ORDER BY id`,
    key.botId,
    key.providerName,
    key.correspondentId,
  );
  return { nextId: chat.next_id, rows };
}

export const correspondents = (
  connection: Connection,
  botId: string,
  { offset, limit }: ChatsPage = { offset: 0, limit: -1 },
): CorrespondentRow[] =>
  connection.all(
    `SELECT ${CORRESPONDENT_COLUMNS} FROM correspondents WHERE chat IN (
       SELECT chat FROM correspondents WHERE bot_id = ? ORDER BY chat LIMIT ? OFFSET ?)
     ORDER BY chat`,
    botId,
    limit,
    offset,
  );

/** The chats whose id is an alias of the one that an identifier names: those merged into it, then itself. */
export const chatsNamed = (connection: Connection, botId: string, identifier: string): CorrespondentRow[] =>
  connection.all(
    `WITH named AS (SELECT provider_name, chat FROM correspondent_aliases WHERE bot_id = ?1 AND alias = ?2)
     SELECT ${CORRESPONDENT_COLUMNS} FROM (
       SELECT DISTINCT c.*, named.chat AS named
       FROM named
       JOIN correspondent_aliases AS a ON a.chat = named.chat
       JOIN correspondents AS c ON c.bot_id = ?1 AND c.provider_name = named.provider_name AND c.correspondent_id = a.alias
     ) AS correspondents
     ORDER BY chat = named, chat`,
    botId,
    identifier,
  );

export const chatsWithJournal = (connection: Connection, botId: string): CorrespondentKey[] =>
  connection.all(
    `SELECT DISTINCT bot_id AS botId, provider_name AS providerName, correspondent_id AS correspondentId
     FROM queue_journal WHERE bot_id = ?`,
    botId,
  );
