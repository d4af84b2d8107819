import type { Clock } from '../base/clock.ts';
import { newGuid } from '../base/ids.ts';
import { DAY_MS } from '../base/units.ts';
import { BotRegister } from './bot-register.ts';
import { DeadLetters } from './dead-letters.ts';
import { FrameLog } from './frame-log.ts';
import { JournalDatabase } from './journal-database.ts';
import { textIn } from './journal-row.ts';
import { MediaLedger } from './media-ledger.ts';
import { SendRegister } from './send-register.ts';
import { SessionJournal } from './session-journal.ts';

/** The journal's name in a gateway's own folder. */
export const JOURNAL_FILE = 'gateway.sqlite';

export interface JournalOptions {
  /** Path of the SQLite file; made where there is none. */
  readonly file: string;
  readonly clock: Clock;
  readonly providerName: string;
  readonly undecryptableWaitMs: number;
  readonly seenDays: number;
  /** The name that the backend knows this gateway by; made up once and kept where it is not given. */
  readonly gatewayId?: string;
}

/**
 * All that the gateway must not lose, in one file: credentials, what was received and not acked yet, and what is
 * still to be downloaded. Every part writes in transactions that are synced when its call returns (B1).
 */
export class Journal {
  readonly gatewayId: string;
  readonly sessions: SessionJournal;
  readonly frames: FrameLog;
  readonly media: MediaLedger;
  readonly sends: SendRegister;
  readonly bots: BotRegister;
  readonly deadLetters: DeadLetters;
  readonly #db: JournalDatabase;
  readonly #clock: Clock;

  /** Throws what opening a `JournalDatabase` throws. */
  constructor(options: JournalOptions) {
    const { clock } = options;
    const seenMs = options.seenDays * DAY_MS;
    const db = new JournalDatabase(options.file);
    this.#db = db;
    this.#clock = clock;
    this.frames = new FrameLog(db, clock);
    this.media = new MediaLedger(db, this.frames);
    this.sends = new SendRegister(db, this.frames, clock, { ...options, rememberMs: seenMs });
    this.bots = new BotRegister(db);
    this.deadLetters = new DeadLetters(db, this.frames, clock);
    const { frames, media, sends } = this;
    this.sessions = new SessionJournal({ db, frames, media, sends, clock, settings: { ...options, seenMs } });
    this.gatewayId = this.#identify(options.gatewayId);
    this.sends.failInterrupted();
  }

  /** Forgets what has expired: messages seen, requests answered, the weights of bots that have none. */
  prune(): void {
    const now = this.#clock.now();
    this.#db.transaction(() => {
      this.#db.run('DELETE FROM seen WHERE expires_at <= ?', now);
      this.#db.run('DELETE FROM sends WHERE answered = 1 AND expires_at <= ?', now);
      this.#db.run('DELETE FROM bot_weights WHERE unacked_bytes = 0 AND letters = 0');
    });
  }

  close(): void {
    this.#db.close();
  }

  #identify(given: string | undefined): string {
    return this.#db.transaction(() => {
      const gatewayId = given ?? gatewayIdIn(this.#db) ?? `gateway-${newGuid()}`;
      this.#db.run("INSERT OR REPLACE INTO meta (key, value) VALUES ('gateway_id', ?)", gatewayId);
      return gatewayId;
    });
  }
}

/** Null in a journal that no gateway has had yet. */
export function gatewayIdIn(db: JournalDatabase): string | null {
  const kept = db.get("SELECT value FROM meta WHERE key = 'gateway_id'");
  return kept === undefined ? null : textIn(kept, 'value');
}
