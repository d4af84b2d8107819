import type { Clock } from '../base/clock.ts';
import { type SendFrame, WIRE_LIMITS } from '../protocol/frames.ts';
import type { DurableFrameBody, FrameLog } from './frame-log.ts';
import { sentMessage } from './inbound-message.ts';
import type { JournalDatabase } from './journal-database.ts';
import { textIn } from './journal-row.ts';
import { SEEN_BY_MESSAGE } from './journal-schema.ts';

export type SendOutcome =
  | { readonly kind: 'sent'; readonly providerMessageId: string }
  | { readonly kind: 'failed'; readonly reason: string };

export interface SendRegisterSettings {
  /** As the backend names where messages come from. */
  readonly providerName: string;
  readonly rememberMs: number;
}

type Answer = Extract<DurableFrameBody, { type: 'sent' | 'send.failed' }>;

/**
 * Texts that the backend asked to send.
 *   T1 A request is begun at most once, so that no text is sent twice. Whoever asks again gets the same answer again.
 *   T2 One that a crash cut short is answered as failed: whether it was sent is not known.
 *   T3 A text that was sent takes its place in the chat like any message, before the request is answered.
 */
export class SendRegister {
  readonly #db: JournalDatabase;
  readonly #frames: FrameLog;
  readonly #clock: Clock;
  readonly #settings: SendRegisterSettings;

  constructor(db: JournalDatabase, frames: FrameLog, clock: Clock, settings: SendRegisterSettings) {
    this.#db = db;
    this.#frames = frames;
    this.#clock = clock;
    this.#settings = settings;
  }

  /** `begun`: send it, and `end` it. `repeated`: there is an answer, and it is journalled again. `in_hand`: there will be one. */
  begin({ bot_id: botId, request_id: requestId }: SendFrame): 'begun' | 'repeated' | 'in_hand' {
    return this.#db.transaction(() => {
      const isNew = this.#db.run(
        'INSERT OR IGNORE INTO sends (bot_id, request_id, answered, expires_at) VALUES (?, ?, 0, ?)',
        botId,
        requestId,
        this.#clock.now() + this.#settings.rememberMs,
      );
      if (isNew === 1) return 'begun';
      const row = this.#db.get(
        'SELECT answer FROM sends WHERE bot_id = ? AND request_id = ? AND answer IS NOT NULL',
        botId,
        requestId,
      );
      if (row === undefined) return 'in_hand';
      const answer: Answer = JSON.parse(textIn(row, 'answer'));
      this.#frames.append(answer, null);
      return 'repeated';
    });
  }

  /** Whether a text answers, by what it quotes or by its own word, what came while its bot was away. */
  answersBacklog({ bot_id: botId, quoted, answers_provider_message_id: named }: SendFrame): boolean {
    const ids = [quoted?.provider_message_id, named].filter((id) => id !== undefined);
    const away = `SELECT 1 FROM ${SEEN_BY_MESSAGE} WHERE bot_id = ? AND message_id = ? AND backlog = 1`;
    return ids.some((id) => this.#db.get(away, botId, id) !== undefined);
  }

  /** Remembers what a text that was begun is called at the provider: what comes back under that id is its echo (J6). */
  name({ bot_id: botId, request_id: requestId }: SendFrame, providerMessageId: string): void {
    this.#db.transaction(() =>
      this.#db.run(
        'UPDATE sends SET provider_message_id = ? WHERE bot_id = ? AND request_id = ?',
        providerMessageId,
        botId,
        requestId,
      ),
    );
  }

  end(request: SendFrame, outcome: SendOutcome): void {
    const { bot_id: botId, request_id: requestId } = request;
    this.#db.transaction(() => {
      if (outcome.kind === 'sent') this.#announce(request, outcome.providerMessageId);
      this.#answer(botId, requestId, outcome);
    });
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

  #announce(request: SendFrame, providerMessageId: string): void {
    const message = sentMessage(request, providerMessageId, this.#clock.now());
    const { providerName } = this.#settings;
    this.#frames.append(
      { type: 'inbound', bot_id: request.bot_id, provider_name: providerName, message },
      null,
    );
  }

  #answer(botId: string, requestId: string, outcome: SendOutcome): void {
    const answer = this.#answerOf(botId, requestId, outcome);
    this.#db.run(
      'UPDATE sends SET answered = 1, answer = ? WHERE bot_id = ? AND request_id = ?',
      JSON.stringify(answer),
      botId,
      requestId,
    );
    this.#frames.append(answer, null);
  }

  #answerOf(botId: string, requestId: string, outcome: SendOutcome): Answer {
    const request = { bot_id: botId, request_id: requestId };
    if (outcome.kind === 'failed') {
      const reason = outcome.reason.slice(0, WIRE_LIMITS.reasonCharacters);
      return { type: 'send.failed', ...request, reason };
    }
    return {
      type: 'sent',
      ...request,
      provider_message_id: outcome.providerMessageId,
      originating_time: this.#clock.now(),
    };
  }
}
