import type { JournalDatabase } from './journal-database.ts';
import { numberIn, textIn } from './journal-row.ts';

export interface KnownBot {
  readonly botId: string;
  /** The backend's last wish: what a restart without the backend goes by. */
  readonly running: boolean;
  readonly quotaGb: number;
}

/** The bots that this gateway owns: those it was ever told to start. */
export class BotRegister {
  readonly #db: JournalDatabase;

  constructor(db: JournalDatabase) {
    this.#db = db;
  }

  all(): readonly KnownBot[] {
    const rows = this.#db.all('SELECT bot_id, running, quota_gb FROM bots ORDER BY bot_id');
    return rows.map((row) => ({
      botId: textIn(row, 'bot_id'),
      running: numberIn(row, 'running') === 1,
      quotaGb: numberIn(row, 'quota_gb'),
    }));
  }

  started(botId: string, quotaGb: number): void {
    this.#db.transaction(() =>
      this.#db.run(
        `INSERT INTO bots (bot_id, running, quota_gb) VALUES (?, 1, ?)
         ON CONFLICT DO UPDATE SET running = 1, quota_gb = excluded.quota_gb`,
        botId,
        quotaGb,
      ),
    );
  }

  stopped(botId: string): void {
    this.#db.transaction(() => this.#db.run('UPDATE bots SET running = 0 WHERE bot_id = ?', botId));
  }
}
