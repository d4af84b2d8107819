import { botConfig, type BotConfig } from '../protocol/frames.ts';
import type { JournalDatabase } from './journal-database.ts';
import { type JournalRow, numberIn, textIn } from './journal-row.ts';

export interface KnownBot {
  readonly botId: string;
  /** The backend's last wish: what a restart without the backend goes by. */
  readonly running: boolean;
  readonly config: BotConfig;
}

/**
 * The bots that this gateway owns: those it was ever told to start, and not to forget.
 *   A1 What the journal says is read once; a change counts when it is durable. One bot costs no more for there being many.
 */
export class BotRegister {
  readonly #db: JournalDatabase;
  #bots: Map<string, KnownBot> | null = null;
  /** By how many bots that run each quota is wanted. */
  readonly #quotas = new Map<number, number>();

  constructor(db: JournalDatabase) {
    this.#db = db;
  }

  /** In the order of their ids. */
  all(): readonly KnownBot[] {
    return [...this.#known().values()].toSorted((one, other) => (one.botId < other.botId ? -1 : 1));
  }

  /** The most careful of the running bots' quotas, in GiB; null when none runs. */
  get lowestQuotaGb(): number | null {
    this.#known();
    return this.#quotas.size === 0 ? null : Math.min(...this.#quotas.keys());
  }

  /** How many run. */
  get running(): number {
    this.#known();
    return [...this.#quotas.values()].reduce((sum, count) => sum + count, 0);
  }

  get size(): number {
    return this.#known().size;
  }

  has(botId: string): boolean {
    return this.#known().has(botId);
  }

  started(botId: string, config: BotConfig): void {
    const bots = this.#known();
    this.#db.transaction(() =>
      this.#db.run(
        `INSERT INTO bots (bot_id, running, quota_gb, config) VALUES (?, 1, ?, ?)
         ON CONFLICT DO UPDATE SET running = 1, quota_gb = excluded.quota_gb, config = excluded.config`,
        botId,
        config.media_storage_quota_gb,
        JSON.stringify(config),
      ),
    );
    this.#put(bots, botId, { botId, running: true, config });
  }

  stopped(botId: string): void {
    const bots = this.#known();
    this.#db.transaction(() => this.#db.run('UPDATE bots SET running = 0 WHERE bot_id = ?', botId));
    const bot = bots.get(botId);
    if (bot !== undefined) this.#put(bots, botId, { ...bot, running: false });
  }

  /** The bot is not this gateway's any more: its credentials go with it. What it received stays until it is acked. */
  forgotten(botId: string): void {
    const bots = this.#known();
    this.#db.transaction(() => {
      this.#db.run('DELETE FROM bots WHERE bot_id = ?', botId);
      this.#db.run('DELETE FROM auth WHERE bot_id = ?', botId);
      this.#db.run('DELETE FROM expected WHERE bot_id = ?', botId);
      this.#db.run('DELETE FROM texts_in_doubt WHERE bot_id = ?', botId);
      this.#db.run('UPDATE media SET downloading = 0 WHERE bot_id = ?', botId);
      this.#db.run(
        'DELETE FROM media WHERE bot_id = ? AND NOT EXISTS (SELECT 1 FROM frames WHERE frames.guid = media.guid)',
        botId,
      );
    });
    this.#put(bots, botId, null);
  }

  #known(): Map<string, KnownBot> {
    if (this.#bots !== null) return this.#bots;
    const bots = new Map<string, KnownBot>();
    for (const row of this.#db.all('SELECT bot_id, running, quota_gb, config FROM bots')) {
      const bot = knownBot(row);
      this.#put(bots, bot.botId, bot);
    }
    this.#bots = bots;
    return bots;
  }

  #put(bots: Map<string, KnownBot>, botId: string, bot: KnownBot | null): void {
    const before = bots.get(botId);
    if (before?.running === true) this.#countQuota(before, -1);
    if (bot?.running === true) this.#countQuota(bot, 1);
    if (bot === null) bots.delete(botId);
    else bots.set(botId, bot);
  }

  #countQuota({ config: { media_storage_quota_gb: quotaGb } }: KnownBot, by: 1 | -1): void {
    const count = (this.#quotas.get(quotaGb) ?? 0) + by;
    if (count === 0) this.#quotas.delete(quotaGb);
    else this.#quotas.set(quotaGb, count);
  }
}

const knownBot = (row: JournalRow): KnownBot => ({
  botId: textIn(row, 'bot_id'),
  running: numberIn(row, 'running') === 1,
  config: configIn(row),
});

function configIn(row: JournalRow): BotConfig {
  const text = row['config'];
  if (typeof text === 'string') return botConfig.parse(JSON.parse(text));
  return { media_storage_quota_gb: numberIn(row, 'quota_gb') };
}
