import PQueue from 'p-queue';
import type { Clock } from '../base/clock.ts';
import { withDeadline } from '../base/deadlines.ts';
import { describeError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { BackendFrame } from '../protocol/frames.ts';
import type { SendOutcome, SendRegister } from './send-register.ts';
import type { Session } from './session.ts';

export type SendFrame = Extract<BackendFrame, { type: 'send' }>;

export interface SendDesk {
  readonly register: SendRegister;
  readonly sendTimeoutMs: number;
  readonly clock: Clock;
  readonly log: Logger;
  /** An outcome was journalled. */
  settled(): void;
}

/** Sends one bot's texts, one after another in the order they were asked for, and journals each outcome. */
export class BotSends {
  readonly #botId: string;
  readonly #desk: SendDesk;
  readonly #queue = new PQueue({ concurrency: 1 });
  readonly #closing = new AbortController();

  constructor(botId: string, desk: SendDesk) {
    this.#botId = botId;
    this.#desk = desk;
  }

  /** Sends by the session that `current` gives when the text's turn comes; null: the bot is not running. */
  send(frame: SendFrame, current: () => Session | null): void {
    if (!this.#desk.register.begin(this.#botId, frame.request_id)) return;
    void this.#queue.add(() => this.#deliver(frame, current()));
  }

  /** Ends what is under way; what was not sent is answered as failed. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#queue.onIdle();
  }

  async #deliver(frame: SendFrame, session: Session | null): Promise<void> {
    try {
      this.#desk.register.end(this.#botId, frame.request_id, await this.#attempt(frame, session));
      this.#desk.settled();
    } catch (error) {
      const { request_id } = frame;
      this.#desk.log.error(
        { request_id, reason: describeError(error) },
        'the outcome of a send could not be recorded',
      );
    }
  }

  async #attempt(frame: SendFrame, session: Session | null): Promise<SendOutcome> {
    if (session === null) return { kind: 'failed', reason: 'the bot is not running' };
    const { to, text, quoted } = frame;
    const quote =
      quoted === undefined ? null : { providerMessageId: quoted.provider_message_id, text: quoted.text };
    try {
      const { clock, sendTimeoutMs } = this.#desk;
      const providerMessageId = await withDeadline(
        clock,
        sendTimeoutMs,
        (signal) => session.sendText({ to, text, quoted: quote }, signal),
        this.#closing.signal,
      );
      return { kind: 'sent', providerMessageId };
    } catch (error) {
      return { kind: 'failed', reason: describeError(error) };
    }
  }
}
