import type { Clock } from '../base/clock.ts';
import { WIRE_LIMITS } from '../protocol/frames.ts';
import type { FrameLog } from './frame-log.ts';
import type { JournalDatabase } from './journal-database.ts';
import { textIn } from './journal-row.ts';

export type SendOutcome =
  | { readonly kind: 'sent'; readonly providerMessageId: string }
  | { readonly kind: 'failed'; readonly reason: string };

/**
 * Texts that the backend asked to send.
 *   T1 A request is begun at most once, so that no text is sent twice; and answered once.
 *   T2 One that a crash cut short is answered as failed: whether it was sent is not known.
 */
export class SendRegister {
  readonly #db: JournalDatabase;
  readonly #frames: FrameLog;
  readonly #clock: Clock;
  readonly #rememberMs: number;

  constructor(db: JournalDatabase, frames: FrameLog, clock: Clock, rememberMs: number) {
    this.#db = db;
    this.#frames = frames;
    this.#clock = clock;
    this.#rememberMs = rememberMs;
  }

  /** False when the request was begun before. */
  begin(botId: string, requestId: string): boolean {
    return this.#db.transaction(
      () =>
        this.#db.run(
          'INSERT OR IGNORE INTO sends (bot_id, request_id, answered, expires_at) VALUES (?, ?, 0, ?)',
          botId,
          requestId,
          this.#clock.now() + this.#rememberMs,
        ) === 1,
    );
  }

  end(botId: string, requestId: string, outcome: SendOutcome): void {
    this.#db.transaction(() => this.#answer(botId, requestId, outcome));
  }

  /** Answers what the last process had begun and not answered. */
  failInterrupted(): void {
    const open = this.#db.all('SELECT bot_id, request_id FROM sends WHERE answered = 0');
    this.#db.transaction(() => {
      for (const row of open) {
        this.#answer(textIn(row, 'bot_id'), textIn(row, 'request_id'), {
          kind: 'failed',
          reason: 'the gateway stopped while it was sending; the text may have been sent',
        });
      }
    });
  }

  #answer(botId: string, requestId: string, outcome: SendOutcome): void {
    const providerMessageId = outcome.kind === 'sent' ? outcome.providerMessageId : null;
    this.#db.run(
      'UPDATE sends SET answered = 1, provider_message_id = ? WHERE bot_id = ? AND request_id = ?',
      providerMessageId,
      botId,
      requestId,
    );
    const request = { bot_id: botId, request_id: requestId };
    this.#frames.append(
      outcome.kind === 'sent'
        ? {
            type: 'sent',
            ...request,
            provider_message_id: outcome.providerMessageId,
            originating_time: this.#clock.now(),
          }
        : { type: 'send.failed', ...request, reason: outcome.reason.slice(0, WIRE_LIMITS.reasonCharacters) },
      null,
    );
  }
}
