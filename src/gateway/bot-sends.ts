import PQueue from 'p-queue';
import type { Clock } from '../base/clock.ts';
import { pause, withDeadline } from '../base/deadlines.ts';
import { describeError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { MINUTE_MS } from '../base/units.ts';
import type { BotConfig, SendFrame } from '../protocol/frames.ts';
import { inTurn } from './in-turn.ts';
import type { SendOutcome, SendRegister } from './send-register.ts';
import type { Answer, OutgoingText, Session } from './session.ts';
import type { GatewaySettings } from './settings.ts';

export interface SendDesk {
  readonly register: SendRegister;
  readonly settings: GatewaySettings;
  readonly clock: Clock;
  readonly log: Logger;
  /** In [0, 1). */
  readonly random: () => number;
  /** An outcome was journalled. */
  settled(): void;
}

/** What a running bot sends by. */
interface Sender {
  readonly session: Session;
  readonly config: BotConfig;
}

const HELD_BACK: SendOutcome = {
  kind: 'unsent',
  reason:
    'held back: it answers what came while the bot was away; ask with answersBacklog, or set backlogReplies to sent',
};

interface Settlement {
  readonly request: SendFrame;
  readonly outcome: SendOutcome;
}

/**
 * Sends one bot's texts, and journals each outcome.
 *   N1 One after another, in the order they were asked for; no more in any minute than `sendsPerMinute`, and never
 *      at the same pace: WhatsApp bans accounts that write like machines.
 *   N2 Every text that was begun is answered, after `close` too: what was not sent then has failed. Only what certainly
 *      did not go out is said not to have; an outcome that cannot be journalled is kept until it can, and those after it
 *      wait behind it.
 *   N3 What a text is called at the provider is journalled before it goes out, so that its echo is recognised however
 *      soon it comes.
 *   N4 What came while the bot was away is not answered, unless its settings or the request say so.
 *   N5 The provider's word on a text that may have been sent counts whenever it comes, after a restart too (D1): it takes the
 *      place of the answer that nobody knew.
 *   N6 What goes to no address fails at once, and takes no turn.
 */
export class BotSends {
  readonly #botId: string;
  readonly #desk: SendDesk;
  readonly #queue: PQueue;
  readonly #closing = new AbortController();
  readonly #inHand = new Set<Promise<void>>();
  /** Not journalled yet, oldest first. */
  readonly #outcomes: Settlement[] = [];

  constructor(botId: string, desk: SendDesk) {
    this.#botId = botId;
    this.#desk = desk;
    this.#queue = new PQueue({
      concurrency: 1,
      interval: MINUTE_MS,
      intervalCap: desk.settings.sendsPerMinute,
      strict: true,
    });
  }

  /** Sends by what `current` gives when the text's turn comes; null: the bot is not running. */
  send(request: SendFrame, current: () => Sender | null): void {
    const begun = this.#desk.register.begin(request);
    if (begun === 'repeated') this.#desk.settled();
    if (begun !== 'begun') return;
    const refusal = current()?.session.refusal(request.to) ?? null;
    if (refusal !== null) return this.#settle(request, refusal);
    const delivery = this.#deliver(request, current).finally(() => this.#inHand.delete(delivery));
    this.#inHand.add(delivery);
  }

  /** Journals the outcomes that are known; what cannot be journalled now stays for the next call. Never throws. */
  recordOutcomes(): void {
    const { register, log } = this.#desk;
    for (let next = this.#outcomes[0]; next !== undefined; next = this.#outcomes[0]) {
      const { request, outcome } = next;
      try {
        register.end(request, outcome);
      } catch (error) {
        const { request_id } = request;
        log.error(
          { request_id, reason: describeError(error) },
          'the outcome of a send cannot be recorded now',
        );
        return;
      }
      this.#outcomes.shift();
      this.#desk.settled();
    }
  }

  /** The provider says what it made of a text, in time or not. Never throws. */
  answered(providerMessageId: string, answer: Answer): void {
    try {
      const request = this.#desk.register.inDoubt(this.#botId, providerMessageId);
      if (request === null || this.#isSettled(request, answer)) return;
      this.#settle(request, answer.kind === 'sent' ? { kind: 'sent', providerMessageId } : answer);
    } catch (error) {
      this.#desk.log.error({ reason: describeError(error) }, 'what became of a text cannot be looked up');
    }
  }

  /** Ends what is under way; what was not sent is answered as failed. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#inHand);
    this.recordOutcomes();
  }

  /** Never rejects. */
  async #deliver(request: SendFrame, current: () => Sender | null): Promise<void> {
    const withdrawn: SendOutcome = { kind: 'unsent', reason: 'the gateway stopped before it was sent' };
    const attempt = (): Promise<SendOutcome> => this.#attempt(request, current());
    const outcome = await inTurn(this.#queue, this.#closing.signal, attempt, withdrawn);
    this.#settle(request, outcome);
  }

  /** By an outcome that is not journalled yet: each of the text's receipts says so once more. */
  #isSettled({ request_id: requestId }: SendFrame, answer: Answer): boolean {
    return this.#outcomes.some(
      ({ request, outcome }) => request.request_id === requestId && outcome.kind === answer.kind,
    );
  }

  #settle(request: SendFrame, outcome: SendOutcome): void {
    this.#outcomes.push({ request, outcome });
    this.recordOutcomes();
  }

  /** Never rejects. */
  async #attempt(request: SendFrame, sender: Sender | null): Promise<SendOutcome> {
    if (sender === null) return { kind: 'unsent', reason: 'the bot is not running' };
    const { session, config } = sender;
    const { to, text, quoted } = request;
    const refusal = session.refusal(to);
    if (refusal !== null) return refusal;
    const quote =
      quoted === undefined ? null : { providerMessageId: quoted.provider_message_id, text: quoted.text };
    const { register, clock, settings } = this.#desk;
    let isHandedOver = false;
    try {
      const mayAnswerBacklog = request.answers_backlog ?? config.backlog_replies === 'sent';
      if (!mayAnswerBacklog && register.answersBacklog(request)) return HELD_BACK;
      const providerMessageId = session.newMessageId();
      const message = { providerMessageId, to, text, quoted: quote };
      register.name(request, providerMessageId);
      const delivery = await withDeadline(
        clock,
        settings.sendTimeoutMs,
        async (signal) => {
          await this.#hesitate(session, message, signal);
          signal.throwIfAborted();
          isHandedOver = true;
          return session.sendText(message, signal);
        },
        this.#closing.signal,
      );
      return delivery.kind === 'sent' ? { kind: 'sent', providerMessageId } : delivery;
    } catch (error) {
      return { kind: isHandedOver ? 'unknown' : 'unsent', reason: describeError(error) };
    }
  }

  /** Waits a little, then shows that the bot types, as long as a person might who has such a text ready. */
  async #hesitate(session: Session, { to, text }: OutgoingText, signal: AbortSignal): Promise<void> {
    const { settings, clock, random, log } = this.#desk;
    await pause(clock, settings.sendJitterMs * random(), signal);
    const typingMs = Math.min(text.length * settings.typingMsPerCharacter, settings.longestTypingMs);
    if (typingMs === 0 || session.typing === undefined) return;
    try {
      await session.typing(to, typingMs, signal);
    } catch (error) {
      signal.throwIfAborted();
      log.debug({ reason: describeError(error) }, 'the typing state could not be shown');
    }
  }
}
