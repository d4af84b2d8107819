import type { Clock } from '../base/clock.ts';
import type { ErrorCode } from '../base/errors.ts';
import { newGuid } from '../base/ids.ts';
import { decodeBackendFrame, encodeFrame } from '../protocol/codec.ts';
import type { BackendFrameBody, DurableFrame, SendDeclinedFrame } from '../protocol/frames.ts';

/** A text for a chat of one bot. */
export interface SendRequest {
  readonly botId: string;
  /** Any identifier of the chat, or a phone number. */
  readonly to: string;
  readonly text: string;
  readonly quoted?: { readonly providerMessageId: string; readonly text: string };
  /** The message that it answers, by the provider's id. Left out: the one that it quotes, if any. */
  readonly answersProviderMessageId?: string;
  /** It may answer what came while the bot was away, whatever the bot's settings say of that. */
  readonly answersBacklog?: boolean;
  /**
   * Whoever asks again with the same one never has the text sent twice; with another text, or for another chat, it fails.
   * Made up where it is not given.
   */
  readonly requestId?: string;
}

/** Why a text is not sent, or may not be. */
export const SEND_FAILURES = [
  'unknown_bot',
  'frame_invalid',
  'request_invalid',
  'send_failed',
  'deadline_exceeded',
] as const satisfies readonly ErrorCode[];

export type SendResult =
  | { readonly kind: 'sent'; readonly requestId: string; readonly providerMessageId: string }
  | {
      readonly kind: 'failed';
      readonly requestId: string;
      readonly code: (typeof SEND_FAILURES)[number];
      readonly reason: string;
    };

/** Where a bot's requests go. */
export interface SendLink {
  send(frame: BackendFrameBody): void;
}

interface Pending {
  readonly frame: Extract<BackendFrameBody, { type: 'send' }>;
  readonly result: Promise<SendResult>;
  readonly settle: (result: SendResult) => void;
}

/** Whether two identifiers are of one chat of a bot. Never rejects. */
export type SameChat = (botId: string, one: string, other: string) => Promise<boolean>;

const ANOTHERS = 'this requestId is on its way with another text or to another chat';

/** A bot's rate limit may make a text wait. */
const ANSWER_DEADLINE_MS = 120_000;

/**
 * Texts on their way to the gateways.
 *   U1 Each request is settled: by its gateway's durable answer, or its word that it cannot take it now, its deadline, or
 *      `close`.
 *   U2 What is not answered is asked again over the next link; the gateway sends a request once.
 *   U3 While a request is on its way, asking for it again is waiting for the same result; its id is no other text's.
 *   U4 An answer counts for the asking that it is of: one that comes too late answers no later text of the same id.
 */
export class Outbox {
  readonly #clock: Clock;
  readonly #isSameChat: SameChat;
  readonly #pending = new Map<string, Pending>();
  #closed = false;

  constructor(clock: Clock, isSameChat: SameChat) {
    this.#clock = clock;
    this.#isSameChat = isSameChat;
  }

  /** Sends over `link`; null: over the next one that `opened` is told of. Never rejects. */
  send({ requestId = newGuid(), ...request }: SendRequest, link: SendLink | null): Promise<SendResult> {
    const { botId, to, text, quoted, answersProviderMessageId, answersBacklog } = request;
    const known = this.#pending.get(keyOf(botId, requestId));
    if (known !== undefined) return this.#join(known, to, text);
    const frame = {
      type: 'send',
      request_id: requestId,
      ask_id: newGuid(),
      may_be_declined: true,
      bot_id: botId,
      to,
      text,
      ...(answersProviderMessageId !== undefined && {
        answers_provider_message_id: answersProviderMessageId,
      }),
      ...(answersBacklog !== undefined && { answers_backlog: answersBacklog }),
      ...(quoted && { quoted: { provider_message_id: quoted.providerMessageId, text: quoted.text } }),
    } as const;
    const checked = decodeBackendFrame(encodeFrame(frame));
    if (checked.kind === 'malformed') {
      return Promise.resolve({ kind: 'failed', requestId, code: 'frame_invalid', reason: checked.reason });
    }
    const result = this.#await(frame);
    if (this.#closed) this.close();
    else link?.send(frame);
    return result;
  }

  /** A gateway is there, again or for the first time. `owns`: whether a bot is this gateway's. */
  opened(link: SendLink, owns: (botId: string) => boolean): void {
    for (const { frame } of this.#pending.values()) if (owns(frame.bot_id)) link.send(frame);
  }

  /** The gateway's answer. */
  answered(answer: Extract<DurableFrame, { type: 'sent' | 'send.failed' }>): void {
    const { bot_id: botId, request_id: requestId, ask_id: askId } = answer;
    const pending = this.#pending.get(keyOf(botId, requestId));
    if (pending === undefined) return;
    // A gateway of before does not say what it answers.
    if (askId !== undefined && askId !== pending.frame.ask_id) return;
    pending.settle(
      answer.type === 'sent'
        ? { kind: 'sent', requestId, providerMessageId: answer.provider_message_id }
        : { kind: 'failed', requestId, code: 'send_failed', reason: answer.reason },
    );
  }

  /** The gateway cannot take it now. */
  declined({ bot_id: botId, request_id: requestId, ask_id: askId, reason }: SendDeclinedFrame): void {
    const pending = this.#pending.get(keyOf(botId, requestId));
    if (pending?.frame.ask_id !== askId) return;
    pending.settle({ kind: 'failed', requestId, code: 'send_failed', reason });
  }

  /** Answers what no gateway has answered, now and later. */
  close(): void {
    this.#closed = true;
    for (const pending of this.#pending.values())
      giveUp(pending, 'the backend stopped before the gateway answered');
  }

  async #join({ frame, result }: Pending, to: string, text: string): Promise<SendResult> {
    const isSame =
      frame.text === text && (frame.to === to || (await this.#isSameChat(frame.bot_id, frame.to, to)));
    if (isSame) return result;
    return { kind: 'failed', requestId: frame.request_id, code: 'request_invalid', reason: ANOTHERS };
  }

  #await(frame: Pending['frame']): Promise<SendResult> {
    const key = keyOf(frame.bot_id, frame.request_id);
    const { promise: result, resolve } = Promise.withResolvers<SendResult>();
    const timer = this.#clock.schedule(ANSWER_DEADLINE_MS, () =>
      giveUp(pending, `the gateway did not answer within ${ANSWER_DEADLINE_MS} ms`),
    );
    const settle = (outcome: SendResult): void => {
      timer.cancel();
      this.#pending.delete(key);
      resolve(outcome);
    };
    const pending: Pending = { frame, result, settle };
    this.#pending.set(key, pending);
    return result;
  }
}

function giveUp({ frame, settle }: Pending, why: string): void {
  const reason = `${why}: whether the text was sent is told to whoever asks again with the same requestId`;
  settle({ kind: 'failed', requestId: frame.request_id, code: 'deadline_exceeded', reason });
}

const keyOf = (botId: string, requestId: string): string => `${botId} ${requestId}`;
