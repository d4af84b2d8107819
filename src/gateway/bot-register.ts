import { botConfig, type BotConfig } from '../protocol/frames.ts';
import type { JournalDatabase } from './journal-database.ts';
import { type JournalRow, numberIn, textIn } from './journal-row.ts';

export interface KnownBot {
  readonly botId: string;
  /** The backend's last wish: what a restart without the backend goes by. */
  readonly running: boolean;
  readonly config: BotConfig;
}

/** The bots that this gateway owns: those it was ever told to start, and not to forget. */
export class BotRegister {
  readonly #db: JournalDatabase;

  constructor(db: JournalDatabase) {
    this.#db = db;
  }

  all(): readonly KnownBot[] {
    const rows = this.#db.all('SELECT bot_id, running, quota_gb, config FROM bots ORDER BY bot_id');
    return rows.map((row) => ({
      botId: textIn(row, 'bot_id'),
      running: numberIn(row, 'running') === 1,
      config: configIn(row),
    }));
  }

  started(botId: string, config: BotConfig): void {
    this.#db.transaction(() =>
      this.#db.run(
        `INSERT INTO bots (bot_id, running, quota_gb, config) VALUES (?, 1, ?, ?)
         ON CONFLICT DO UPDATE SET running = 1, quota_gb = excluded.quota_gb, config = excluded.config`,
        botId,
        config.media_storage_quota_gb,
        JSON.stringify(config),
      ),
    );
  }

  stopped(botId: string): void {
    this.#db.transaction(() => this.#db.run('UPDATE bots SET running = 0 WHERE bot_id = ?', botId));
  }

  /** The bot is not this gateway's any more: its credentials go with it. What it received stays until it is acked. */
  forgotten(botId: string): void {
    this.#db.transaction(() => {
      this.#db.run('DELETE FROM bots WHERE bot_id = ?', botId);
      this.#db.run('DELETE FROM auth WHERE bot_id = ?', botId);
      this.#db.run('DELETE FROM expected WHERE bot_id = ?', botId);
      this.#db.run('UPDATE media SET downloading = 0 WHERE bot_id = ?', botId);
      this.#db.run(
        'DELETE FROM media WHERE bot_id = ? AND NOT EXISTS (SELECT 1 FROM frames WHERE frames.guid = media.guid)',
        botId,
      );
    });
  }
}

function configIn(row: JournalRow): BotConfig {
  const text = row['config'];
  if (typeof text === 'string') return botConfig.parse(JSON.parse(text));
  return { media_storage_quota_gb: numberIn(row, 'quota_gb') };
}
