import type { BinaryNode } from '@whiskeysockets/baileys';
import type { Clock, Timer } from '../base/clock.ts';
import { type MessageReference, referenceOf, referenceText } from './mailbox.ts';

/** The marker of a backlog's end does not wait longer than this for the bot's next answer. */
const NEXT_ANSWER_MS = 2_000;

/**
 * What a device is sent at its login, until it has answered all of it.
 *
 *   O1 `whenOver` runs once: when each message is answered, or no answer came for two seconds; never
 *      after `close`.
 */
export class OfflineBacklog {
  readonly #unanswered: Set<string>;
  readonly #clock: Clock;
  readonly #whenOver: () => void;
  #deadline: Timer;
  #over = false;

  constructor(stanzas: readonly BinaryNode[], clock: Clock, whenOver: () => void) {
    this.#unanswered = new Set(stanzas.map((stanza) => referenceText(referenceOf(stanza))));
    this.#clock = clock;
    this.#whenOver = whenOver;
    this.#deadline = this.#nextDeadline();
  }

  /** Takes note of a receipt, a retry receipt or a refusal. */
  answered(reference: MessageReference): void {
    if (!this.#unanswered.delete(referenceText(reference)) || this.#over) return;
    this.#deadline.cancel();
    this.#deadline = this.#nextDeadline();
    this.endIfAnswered();
  }

  endIfAnswered(): void {
    if (this.#unanswered.size === 0) this.#end();
  }

  close(): void {
    this.#over = true;
    this.#deadline.cancel();
  }

  #nextDeadline(): Timer {
    return this.#clock.schedule(NEXT_ANSWER_MS, () => this.#end());
  }

  #end(): void {
    if (this.#over) return;
    this.close();
    this.#whenOver();
  }
}
