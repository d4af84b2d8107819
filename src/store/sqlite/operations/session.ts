import type { CorrespondentKey } from '../../../jobs/job.ts';
import { noChat, ownedByNewer } from '../../refusals.ts';
import type { Connection } from '../connection.ts';
import type { ChatRow } from '../rows.ts';

/** What an operation works with: a connection inside a transaction, and the owner's fencing token. */
export interface Session {
  readonly connection: Connection;
  readonly fence: number;
}

/**
 * The chat's row, with this owner's fence written on it. Transactions are serial here, so that a fence that is there
 * already need not be written again. Throws `fenced` when a newer owner has been there (S2), `not_found` for a chat
 * that was never resolved.
 */
export function ownedChat({ connection, fence }: Session, key: CorrespondentKey): ChatRow {
  const chat = connection.get<ChatRow>(
    `SELECT chat, next_id, next_ingest_seq, fence FROM correspondents
     WHERE bot_id = ? AND provider_name = ? AND correspondent_id = ?`,
    key.botId,
    key.providerName,
    key.correspondentId,
  );
  if (chat === undefined) throw noChat(key);
  if (chat.fence > fence) throw ownedByNewer(key, chat.fence, fence);
  if (chat.fence < fence) {
    connection.run('UPDATE correspondents SET fence = ? WHERE chat = ?', fence, chat.chat);
  }
  return chat;
}
