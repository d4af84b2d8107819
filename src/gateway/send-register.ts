import { hash } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { type SendFrame, WIRE_LIMITS } from '../protocol/frames.ts';
import { otherAddress } from './addresses.ts';
import type { DurableFrameBody, FrameLog } from './frame-log.ts';
import { sentMessage } from './inbound-message.ts';
import type { JournalDatabase } from './journal-database.ts';
import { type JournalRow, numberIn, textIn } from './journal-row.ts';
import { SEEN_BY_MESSAGE } from './journal-schema.ts';
import type { Undelivered } from './session.ts';
import { TextsInDoubt } from './texts-in-doubt.ts';

export type SendOutcome = { readonly kind: 'sent'; readonly providerMessageId: string } | Undelivered;

/** `begun`: send it, and `end` it. `repeated`: there is an answer, and it is journalled again. `in_hand`: there will be one. */
type Beginning = 'begun' | 'repeated' | 'in_hand';

export interface SendRegisterSettings {
  /** As the backend names where messages come from. */
  readonly providerName: string;
  readonly rememberMs: number;
}

/** Without its `ask_id`: each asking gets it with its own. */
type Answer = Extract<DurableFrameBody, { type: 'sent' | 'send.failed' }>;

const MAYBE_SENT = '; the text may have been sent';
const ANOTHERS =
  'this request id was used for another text or chat: a text of its own needs an id of its own';

/** No text is kept longer than it takes to know that it was sent. */
const askedBy = (to: string, text: string): string => hash('sha256', JSON.stringify([to, text]));

/**
 * Texts that the backend asked to send.
 *   T1 A request is begun at most once, so that no text is sent twice. Whoever asks again gets the same answer again;
 *      except that one of which nothing went out is begun anew by another asking: whoever asks anew waits for no earlier
 *      answer. With another text or for another chat it is refused, however the first one ended.
 *   T2 One that a crash cut short is answered as failed: whether it was sent is not known, once it has its name.
 *   T3 A text that was sent takes its place in the chat like any message, once, before the request is answered; one that
 *      was known to be sent only after that, by its echo or by the provider's late word, a receipt included, when it is
 *      known, after a restart too (D1), and whoever asks again is told so.
 */
export class SendRegister {
  readonly #db: JournalDatabase;
  readonly #frames: FrameLog;
  readonly #clock: Clock;
  readonly #settings: SendRegisterSettings;
  readonly #doubts: TextsInDoubt;

  constructor(db: JournalDatabase, frames: FrameLog, clock: Clock, settings: SendRegisterSettings) {
    this.#db = db;
    this.#frames = frames;
    this.#clock = clock;
    this.#settings = settings;
    this.#doubts = new TextsInDoubt(db);
  }

  /** What is in hand for this very asking needs no write: it is known to be while the journal cannot be written, too. */
  begin(request: SendFrame): Beginning {
    if (this.standing(request) === 'in_hand') return 'in_hand';
    return this.#db.transaction(() => this.#begin(request));
  }

  /** Where this very asking stands: it will be answered, or its answer is journalled. Null: it was not taken. */
  standing(request: SendFrame): 'in_hand' | 'answered' | null {
    const row = this.#db.get(
      'SELECT answer FROM sends WHERE bot_id = ? AND request_id = ? AND ask_id IS ? AND asked IN (?, ?)',
      request.bot_id,
      request.request_id,
      request.ask_id ?? null,
      ...this.#askedAs(request),
    );
    if (row === undefined) return null;
    return row['answer'] === null ? 'in_hand' : 'answered';
  }

  /** Answers a request of which nothing will go out; one that was begun before has an answer, or will have. */
  decline(request: SendFrame, reason: string): void {
    this.#db.transaction(() => {
      if (this.#begin(request) !== 'begun') return;
      this.#answer(request.bot_id, request.request_id, { kind: 'unsent', reason });
    });
  }

  /** Whether a text answers, by what it quotes or by its own word, what came while its bot was away. */
  answersBacklog({ bot_id: botId, quoted, answers_provider_message_id: named }: SendFrame): boolean {
    const ids = [quoted?.provider_message_id, named].filter((id) => id !== undefined);
    const away = `SELECT 1 FROM ${SEEN_BY_MESSAGE} WHERE bot_id = ? AND message_id = ? AND backlog = 1`;
    return ids.some((id) => this.#db.get(away, botId, id) !== undefined);
  }

  /** Remembers what a text that was begun is called at the provider: what comes back under that id is its echo (J6). */
  name(request: SendFrame, providerMessageId: string): void {
    this.#db.transaction(() => {
      this.#db.run(
        'UPDATE sends SET provider_message_id = ? WHERE bot_id = ? AND request_id = ?',
        providerMessageId,
        request.bot_id,
        request.request_id,
      );
      this.#doubts.keep(request, providerMessageId);
    });
  }

  /** A text of which it is not known what became of it, by what it is called at the provider. */
  inDoubt(botId: string, providerMessageId: string): SendFrame | null {
    return this.#doubts.find(botId, providerMessageId);
  }

  /** Answers a request; once more for one that may have been sent, when it is known what became of it. */
  end(request: SendFrame, outcome: SendOutcome): void {
    const { bot_id: botId, request_id: requestId } = request;
    this.#db.transaction(() => {
      if (this.#isAnswered(botId, requestId)) return this.#amend(request, outcome);
      const echoed = this.#db.get(
        'SELECT provider_message_id FROM sends WHERE bot_id = ? AND request_id = ? AND announced = 1',
        botId,
        requestId,
      );
      if (echoed !== undefined) {
        const providerMessageId = textIn(echoed, 'provider_message_id');
        return this.#answer(botId, requestId, { kind: 'sent', providerMessageId });
      }
      if (outcome.kind === 'sent') this.#announce(request, outcome.providerMessageId);
      this.#answer(botId, requestId, outcome);
    });
  }

  /**
   * Takes note of the echo of a message, inside the caller's transaction. `news`: it is of a text of the bot that is not
   * in its chat yet, and is to take its place there. `known`: of one that is. `foreign`: of none.
   */
  echoed(botId: string, providerMessageId: string): 'news' | 'known' | 'foreign' {
    const row = this.#db.get(
      `SELECT request_id, answered, announced FROM sends
       WHERE bot_id = ? AND provider_message_id = ?`,
      botId,
      providerMessageId,
    );
    if (row === undefined) return 'foreign';
    if (numberIn(row, 'announced') === 1) return 'known';
    const requestId = textIn(row, 'request_id');
    this.#setAnnounced(botId, requestId);
    if (numberIn(row, 'answered') === 1) {
      this.#keepAnswer(botId, requestId, { kind: 'sent', providerMessageId });
    }
    return 'news';
  }

  /** Whether this is what a text of the bot is called at the provider. */
  isOwn(botId: string, providerMessageId: string): boolean {
    const sent = 'SELECT 1 FROM sends WHERE bot_id = ? AND provider_message_id = ?';
    return this.#db.get(sent, botId, providerMessageId) !== undefined;
  }

  /** Answers what the last process had begun and not answered. */
  failInterrupted(): void {
    const open = this.#db.all(
      'SELECT bot_id, request_id, provider_message_id, announced FROM sends WHERE answered = 0',
    );
    this.#db.transaction(() => {
      for (const row of open) {
        this.#answer(textIn(row, 'bot_id'), textIn(row, 'request_id'), interrupted(row));
      }
    });
  }

  #begin(request: SendFrame): Beginning {
    const { bot_id: botId, request_id: requestId } = request;
    if (this.#isNew(request)) return 'begun';
    if (this.#isAnothers(request)) {
      const refused = {
        type: 'send.failed',
        bot_id: botId,
        request_id: requestId,
        reason: ANOTHERS,
      } as const;
      this.#frames.append(addressed(request.ask_id, refused), null);
      return 'repeated';
    }
    if (this.#mayBeginAnew(request)) return 'begun';
    const row = this.#db.get(
      'UPDATE sends SET ask_id = ? WHERE bot_id = ? AND request_id = ? RETURNING answer',
      request.ask_id ?? null,
      botId,
      requestId,
    );
    if (row === undefined || row['answer'] === null) return 'in_hand';
    const answer: Answer = JSON.parse(textIn(row, 'answer'));
    this.#frames.append(addressed(request.ask_id, answer), null);
    return 'repeated';
  }

  #isNew(request: SendFrame): boolean {
    const added = this.#db.run(
      `INSERT OR IGNORE INTO sends (bot_id, request_id, answered, expires_at, asked, ask_id)
       VALUES (?, ?, 0, ?, ?, ?)`,
      request.bot_id,
      request.request_id,
      this.#clock.now() + this.#settings.rememberMs,
      askedBy(request.to, request.text),
      request.ask_id ?? null,
    );
    return added === 1;
  }

  #isAnothers(request: SendFrame): boolean {
    const another = 'SELECT 1 FROM sends WHERE bot_id = ? AND request_id = ? AND asked NOT IN (?, ?)';
    const { bot_id: botId, request_id: requestId } = request;
    return this.#db.get(another, botId, requestId, ...this.#askedAs(request)) !== undefined;
  }

  /** A person's two addresses are one chat. */
  #askedAs({ bot_id: botId, to, text }: SendFrame): readonly string[] {
    const other = otherAddress(this.#db, botId, to) ?? to;
    return [askedBy(to, text), askedBy(other, text)];
  }

  /** The same asking again may be from before its answer: the text would go out although it "failed". */
  #mayBeginAnew({ bot_id: botId, request_id: requestId, ...request }: SendFrame): boolean {
    const askId = request.ask_id ?? null;
    const begun = this.#db.run(
      `UPDATE sends
       SET answered = 0, answer = NULL, unsent = 0, provider_message_id = NULL, ask_id = ?, expires_at = ?
       WHERE bot_id = ? AND request_id = ? AND unsent = 1 AND ? IS NOT NULL AND ask_id IS NOT ?`,
      askId,
      this.#clock.now() + this.#settings.rememberMs,
      botId,
      requestId,
      askId,
      askId,
    );
    return begun === 1;
  }

  #announce(request: SendFrame, providerMessageId: string): void {
    const message = sentMessage(request, providerMessageId, this.#clock.now());
    const { providerName } = this.#settings;
    this.#frames.append(
      { type: 'inbound', bot_id: request.bot_id, provider_name: providerName, message },
      null,
    );
    this.#setAnnounced(request.bot_id, request.request_id);
  }

  #answer(botId: string, requestId: string, outcome: SendOutcome): void {
    const answer = this.#keepAnswer(botId, requestId, outcome);
    const row = this.#db.get(
      'SELECT ask_id FROM sends WHERE bot_id = ? AND request_id = ? AND ask_id IS NOT NULL',
      botId,
      requestId,
    );
    this.#frames.append(addressed(row === undefined ? undefined : textIn(row, 'ask_id'), answer), null);
  }

  /** What is in its chat was sent, and nobody knows better than the provider. */
  #amend(request: SendFrame, outcome: SendOutcome): void {
    const { bot_id: botId, request_id: requestId } = request;
    const announced = 'SELECT 1 FROM sends WHERE bot_id = ? AND request_id = ? AND announced = 1';
    if (this.#db.get(announced, botId, requestId) !== undefined) return;
    if (outcome.kind === 'sent') this.#announce(request, outcome.providerMessageId);
    this.#keepAnswer(botId, requestId, outcome);
  }

  #isAnswered(botId: string, requestId: string): boolean {
    const answered = 'SELECT 1 FROM sends WHERE bot_id = ? AND request_id = ? AND answered = 1';
    return this.#db.get(answered, botId, requestId) !== undefined;
  }

  #setAnnounced(botId: string, requestId: string): void {
    this.#db.run('UPDATE sends SET announced = 1 WHERE bot_id = ? AND request_id = ?', botId, requestId);
  }

  #keepAnswer(botId: string, requestId: string, outcome: SendOutcome): Answer {
    const answer = this.#answerOf(botId, requestId, outcome);
    this.#db.run(
      'UPDATE sends SET answered = 1, answer = ?, unsent = ? WHERE bot_id = ? AND request_id = ?',
      JSON.stringify(answer),
      outcome.kind === 'unsent' ? 1 : 0,
      botId,
      requestId,
    );
    if (outcome.kind !== 'unknown') this.#doubts.forget(botId, requestId);
    return answer;
  }

  #answerOf(botId: string, requestId: string, outcome: SendOutcome): Answer {
    const request = { bot_id: botId, request_id: requestId };
    if (outcome.kind !== 'sent') {
      const doubt = outcome.kind === 'unknown' ? MAYBE_SENT : '';
      const reason = outcome.reason.slice(0, WIRE_LIMITS.reasonCharacters - doubt.length) + doubt;
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

/** The answer, as one asking gets it. */
const addressed = (askId: string | undefined, answer: Answer): Answer =>
  askId === undefined ? answer : { ...answer, ask_id: askId };

/** What became of a text that the last process did not answer. */
function interrupted(row: JournalRow): SendOutcome {
  if (row['provider_message_id'] === null) {
    return { kind: 'unsent', reason: 'the gateway stopped before it was sent' };
  }
  const providerMessageId = textIn(row, 'provider_message_id');
  if (numberIn(row, 'announced') === 1) return { kind: 'sent', providerMessageId };
  return { kind: 'unknown', reason: 'the gateway stopped while it was sending' };
}
