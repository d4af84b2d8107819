import { DragomanError } from '../base/errors.ts';
import type { Clock } from '../base/clock.ts';

/**
 * What happened at the simulated WhatsApp. `bot` is the phone number of the account that a bot is linked to,
 * `device` the JID of the linked device, `chat` the JID as the bot knows the chat.
 */
export type SimulatorEvent =
  /** A bot waits for the owner of this number to type its pairing code. */
  | { readonly type: 'pairing_code'; readonly bot: string }
  | { readonly type: 'paired'; readonly bot: string; readonly device: string }
  | { readonly type: 'keys_uploaded'; readonly bot: string; readonly device: string; readonly count: number }
  | { readonly type: 'login'; readonly bot: string; readonly device: string; readonly backlog: number }
  | { readonly type: 'disconnect'; readonly bot: string; readonly device: string }
  /** Somebody's message is at WhatsApp, for all bots of the chat. */
  | SentEvent
  /** A message stanza went out to the bot; `offline` when it was kept for this login. */
  | (MessageEvent & { readonly type: 'delivered'; readonly offline: boolean })
  /** The bot's receipt came: `kind` is WhatsApp's own word, `delivered` when the stanza has none. */
  | (MessageEvent & { readonly type: 'receipt'; readonly kind: string })
  /** The bot refused a message; `code` is its error, null for a plain acknowledgement. */
  | (MessageEvent & { readonly type: 'refused'; readonly code: string | null })
  /** The bot asked for a message again and gets it, encrypted anew; not `granted` after the fifth time. */
  | (MessageEvent & { readonly type: 'retry'; readonly attempt: number; readonly granted: boolean })
  /** A bot asked its phone to upload a medium again; `unanswered` when the phone is offline. */
  | { readonly type: 'reupload'; readonly bot: string; readonly messageId: string; readonly outcome: string }
  /** The bot wants something from its own phone, such as a message that it could not decrypt. */
  | { readonly type: 'phone_asked'; readonly bot: string; readonly device: string }
  /** The bot shows a chat that it types: `composing`, or `paused`. */
  | { readonly type: 'typing'; readonly bot: string; readonly chat: string; readonly state: string }
  /** A message of the bot was lost (null), or refused with `code`. */
  | (MessageEvent & { readonly type: 'not_taken'; readonly code: number | null })
  /** A message that the bot sent, as `reader` sees it. `text` is null when it did not decrypt or has none. */
  | (MessageEvent & {
      readonly type: 'bot_message';
      readonly reader: string;
      readonly text: string | null;
      readonly quotedId: string | null;
      /** The JID of who is quoted, as the bot names them. */
      readonly quotedAuthor: string | null;
      readonly decrypted: boolean;
    });

export interface SentEvent {
  readonly type: 'sent';
  readonly chat: string;
  /** The group's name, null in a chat of two. */
  readonly group: string | null;
  /** The sender's name. */
  readonly from: string;
  readonly messageId: string;
  readonly kind: string;
  /** The text, or the caption. */
  readonly words: string;
  /** SHA-256 of the medium in hex, as the message declares it; null without one. */
  readonly sha256: string | null;
  readonly writtenAt: number;
}

interface MessageEvent {
  readonly bot: string;
  readonly device: string;
  readonly chat: string;
  readonly messageId: string;
}

/** `seq` counts from 1; `at` is in milliseconds since the epoch. */
export type LoggedEvent<E extends SimulatorEvent = SimulatorEvent> = E & {
  readonly seq: number;
  readonly at: number;
};
export type EventOf<T extends SimulatorEvent['type']> = Extract<SimulatorEvent, { type: T }>;

const KEPT_EVENTS = 100_000;

/**
 * Everything that happened, in order, for tests and harnesses to wait for and to count.
 *
 *   L1 Entries are in `seq` order without gaps; only the oldest are forgotten, past 100,000.
 *   L2 `waitFor` sees what is already there: an event cannot be missed by asking too late.
 */
export class EventLog {
  readonly #clock: Clock;
  readonly #entries: LoggedEvent[] = [];
  readonly #listeners = new Set<(event: LoggedEvent) => void>();
  readonly #waiting = new Set<() => void>();
  #lastSeq = 0;
  #closed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  append<E extends SimulatorEvent>(event: E): LoggedEvent<E> {
    const entry: LoggedEvent<E> = { ...event, seq: ++this.#lastSeq, at: this.#clock.now() };
    this.#entries.push(entry);
    if (this.#entries.length > KEPT_EVENTS) this.#entries.shift();
    for (const listener of this.#listeners) listener(entry);
    return entry;
  }

  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** Events after `seq`, oldest first. */
  since(seq: number): readonly LoggedEvent[] {
    const first = this.#entries[0]?.seq ?? 1;
    return this.#entries.slice(Math.max(0, seq + 1 - first));
  }

  /** Events of one type, oldest first. */
  of<T extends SimulatorEvent['type']>(type: T): readonly LoggedEvent<EventOf<T>>[] {
    return this.#entries.filter((entry) => isOf(entry, type));
  }

  /** Calls `listener` for each new event; returns what ends it. */
  subscribe(listener: (event: LoggedEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * The first event of `type` after `afterSeq` (0: from the beginning) that `matches`.
   * Rejects with `deadline_exceeded` when none came within `deadlineMs`, with `aborted` when the log is closed.
   */
  waitFor<T extends SimulatorEvent['type']>(
    type: T,
    matches: (event: LoggedEvent<EventOf<T>>) => boolean = () => true,
    { deadlineMs = 10_000, afterSeq = 0 }: { deadlineMs?: number; afterSeq?: number } = {},
  ): Promise<LoggedEvent<EventOf<T>>> {
    const wanted = (event: LoggedEvent): event is LoggedEvent<EventOf<T>> =>
      isOf(event, type) && matches(event);
    const known = this.since(afterSeq).find(wanted);
    if (known) return Promise.resolve(known);

    const { promise, resolve, reject } = Promise.withResolvers<LoggedEvent<EventOf<T>>>();
    const giveUp = (): void =>
      reject(new DragomanError('aborted', `expected a ${type} event before the end`));
    if (this.#closed) giveUp();
    this.#waiting.add(giveUp);
    const deadline = this.#clock.schedule(deadlineMs, () => {
      reject(new DragomanError('deadline_exceeded', `expected a ${type} event within ${deadlineMs} ms`));
    });
    const unsubscribe = this.subscribe((event) => {
      if (wanted(event)) resolve(event);
    });
    return promise.finally(() => {
      this.#waiting.delete(giveUp);
      deadline.cancel();
      unsubscribe();
    });
  }

  /** Ends all waiting; what is in the log stays readable. */
  close(): void {
    this.#closed = true;
    for (const giveUp of this.#waiting) giveUp();
  }
}

const isOf = <T extends SimulatorEvent['type']>(
  event: LoggedEvent,
  type: T,
): event is LoggedEvent<EventOf<T>> => event.type === type;
