import { decodeBackendFrame, encodeFrame } from '../protocol/codec.ts';
import type { SendFrame } from '../protocol/frames.ts';
import type { JournalDatabase } from './journal-database.ts';
import { textIn } from './journal-row.ts';

/** Whole texts: a bot has few of them, or WhatsApp is away. */
const KEPT_PER_BOT = 100;

/**
 * Texts of which nobody knows yet whether they were sent. Every method but `find` is called inside the caller's transaction.
 *   D1 A text is kept from before it goes out until it is known what became of it, after a crash too: of each bot the last
 *      hundred, and none for longer than its request is remembered.
 */
export class TextsInDoubt {
  readonly #db: JournalDatabase;

  constructor(db: JournalDatabase) {
    this.#db = db;
  }

  keep(request: SendFrame, providerMessageId: string): void {
    const { bot_id: botId, request_id: requestId } = request;
    this.#db.run(
      `INSERT OR REPLACE INTO texts_in_doubt (bot_id, request_id, provider_message_id, request)
       VALUES (?, ?, ?, ?)`,
      botId,
      requestId,
      providerMessageId,
      encodeFrame(request),
    );
    this.#db.run(
      `DELETE FROM texts_in_doubt WHERE bot_id = ? AND id <=
         (SELECT id FROM texts_in_doubt WHERE bot_id = ? ORDER BY id DESC LIMIT 1 OFFSET ?)`,
      botId,
      botId,
      KEPT_PER_BOT,
    );
  }

  forget(botId: string, requestId: string): void {
    this.#db.run('DELETE FROM texts_in_doubt WHERE bot_id = ? AND request_id = ?', botId, requestId);
  }

  /** What was asked for, by what the text is called at the provider; null: it is in no doubt. */
  find(botId: string, providerMessageId: string): SendFrame | null {
    const row = this.#db.get(
      'SELECT request FROM texts_in_doubt WHERE bot_id = ? AND provider_message_id = ?',
      botId,
      providerMessageId,
    );
    if (row === undefined) return null;
    const decoded = decodeBackendFrame(textIn(row, 'request'));
    return decoded.kind === 'frame' && decoded.frame.type === 'send' ? decoded.frame : null;
  }
}
