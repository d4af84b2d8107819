import type { RawData, WebSocket } from 'ws';
import type { FrameLink } from '../../actors/frame-link.ts';
import type { Clock, Timer } from '../../base/clock.ts';
import { repeat } from '../../base/deadlines.ts';
import { describeError, DragomanError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { RateBudget } from '../../base/rate-budget.ts';
import { MINUTE_MS } from '../../base/units.ts';
import { decodeGatewayFrame, encodeFrame } from '../../protocol/codec.ts';
import type {
  AnswerFrame,
  BackendFrameBody,
  DurableFrame,
  GatewayFrame,
  SendDeclinedFrame,
} from '../../protocol/frames.ts';
import { type FlowLimits, LinkFlow } from './link-flow.ts';
import type { BucketSize, TokenBucket } from './token-bucket.ts';

export interface LinkLimits extends FlowLimits {
  readonly helloDeadlineMs: number;
  readonly pingEveryMs: number;
  /** Malformed frames within a minute that close the link. */
  readonly malformedPerMinute: number;
  /** Of what is neither durable nor asked for: states of bots, answers, pings. */
  readonly control: BucketSize;
  /** A peer that does not read is closed once more than this waits for it. */
  readonly maxBufferedBytes: number;
}

export const LINK_LIMITS: LinkLimits = {
  helloDeadlineMs: 5_000,
  pingEveryMs: 30_000,
  malformedPerMinute: 10,
  // A gateway may have a thousand bots, each of which may say four things at once.
  control: { burst: 4_000, perSecond: 100 },
  maxInFlight: 1_024,
  maxInFlightBytes: 32 * 1024 * 1024,
  maxBufferedBytes: 8 * 1024 * 1024,
};

/** How long a peer may take to answer a close. */
const CLOSE_DEADLINE_MS = 5_000;
/** RFC 6455: what fits into a close frame beside the code, less room for a character that the cut spoilt. */
const CLOSE_REASON_BYTES = 120;
const CLOSE_CODE = { goingAway: 1001, refused: 1008, failed: 1011 } as const;

/** A gateway that said hello. */
export interface OpenLink extends FrameLink {
  send(frame: BackendFrameBody): void;
  /** Says goodbye: nothing of it is accepted any more. */
  close(reason: string): void;
}

/** The rest of the backend, as a link sees it. */
export interface LinkHandler {
  /** The gateway said hello: its bots may be started. */
  opened(link: OpenLink, botIds: readonly string[]): void;
  /** Makes a frame durable. Resolves to what to tell the gateway; a rejection closes the link, unacked. */
  durable(link: OpenLink, frame: DurableFrame): Promise<FrameVerdict>;
  /** Resolves when the bot has heard of it. Never rejects. */
  status(link: OpenLink, frame: Extract<GatewayFrame, { type: 'bot.status' }>): Promise<void>;
  /** The gateway answers what it was asked. */
  answered(link: OpenLink, frame: AnswerFrame | SendDeclinedFrame): void;
  /** Called once for each link that was opened. */
  closed(link: OpenLink): void;
}

export type FrameVerdict =
  | { readonly kind: 'ack' }
  | { readonly kind: 'nack'; readonly code: string; readonly reason: string }
  | { readonly kind: 'error'; readonly code: string; readonly reason: string };

export interface GatewayLinkOptions {
  /** The gateway that the link's token belongs to. */
  readonly gatewayId: string;
  readonly handler: LinkHandler;
  readonly limits: LinkLimits;
  /** Of the gateway, whatever link it speaks over. */
  readonly allowance: TokenBucket;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * The backend's end of one gateway's WebSocket.
 *   L1 The first frame is `hello`, within its deadline, for the gateway that the token belongs to.
 *   L2 A frame is acked only when the handler says it is durable; after `fail` nothing is acked any more, so the
 *      gateway sends everything unacked again, in order.
 *   L3 A gateway that says more than the backend takes, or than it may, is not read for a while (F1, F2).
 *   L4 A silent, unreadable or slow peer is closed, and so is one that does not answer a close.
 */
export class GatewayLink implements OpenLink {
  readonly gatewayId: string;
  readonly #socket: WebSocket;
  readonly #handler: LinkHandler;
  readonly #limits: LinkLimits;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #closing = new AbortController();
  readonly #ended = Promise.withResolvers<void>();
  readonly #flow: LinkFlow;
  readonly #malformed: RateBudget;
  #greeted = false;
  #draining = false;
  #throttledAt = -Infinity;
  #heard = true;
  #timer: Timer;

  constructor(socket: WebSocket, options: GatewayLinkOptions) {
    const { gatewayId, handler, limits, allowance, clock, log } = options;
    this.gatewayId = gatewayId;
    this.#socket = socket;
    this.#handler = handler;
    this.#limits = limits;
    this.#malformed = new RateBudget({ most: limits.malformedPerMinute - 1, periodMs: MINUTE_MS });
    this.#clock = clock;
    this.#log = log.child({ gateway_id: gatewayId });
    this.#timer = clock.schedule(limits.helloDeadlineMs, () =>
      this.#refuse('frame_invalid', `expected hello within ${limits.helloDeadlineMs} ms`),
    );
    this.#flow = new LinkFlow({
      socket,
      limits,
      allowance,
      clock,
      throttled: () => this.#throttled(),
      // While it was paused its pongs were not read.
      resumed: () => (this.#heard = true),
    });
    socket.on('message', (data, isBinary) => this.#receive(data, isBinary));
    socket.on('ping', () => this.#flow.charge(0));
    socket.on('pong', () => {
      this.#heard = true;
      this.#flow.charge(0);
    });
    socket.on('error', (error) => this.#log.warn({ reason: error.message }, 'link error'));
    socket.on('close', () => this.#end());
  }

  /** Aborted as soon as the link must not carry another ack. */
  get signal(): AbortSignal {
    return this.#closing.signal;
  }

  /** Resolves when the socket is closed for good. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  send(frame: BackendFrameBody): void {
    if (this.signal.aborted) return;
    this.#socket.send(encodeFrame(frame));
    if (this.#socket.bufferedAmount > this.#limits.maxBufferedBytes) this.fail('the gateway does not read');
  }

  fail(reason: string): void {
    if (this.signal.aborted) return;
    this.#log.warn({ reason }, 'link fails: the gateway will send again what was not acked');
    this.#close(CLOSE_CODE.failed, reason);
  }

  close(reason: string): void {
    this.#close(CLOSE_CODE.goingAway, reason);
  }

  /** Takes no further frame off the socket; resolves when what was taken is answered. */
  async drain(): Promise<void> {
    this.#draining = true;
    // Its hello would not be heard any more, and it would be refused for that.
    if (this.#greeted) await this.#flow.drain();
    else this.close('the backend stops');
  }

  #close(code: number, reason: string): void {
    if (this.signal.aborted) return;
    this.#closing.abort(new DragomanError('link_closed', reason));
    this.#flow.end();
    this.#timer.cancel();
    this.#timer = this.#clock.schedule(CLOSE_DEADLINE_MS, () => this.#socket.terminate());
    // The peer's answer must be read, though nothing else will be.
    this.#socket.resume();
    this.#socket.close(code, Buffer.from(reason).subarray(0, CLOSE_REASON_BYTES).toString());
  }

  #end(): void {
    this.#timer.cancel();
    this.#flow.end();
    this.#closing.abort(new DragomanError('link_closed', 'the gateway hung up'));
    this.#ended.resolve();
    if (!this.#greeted) return;
    this.#log.info({}, 'gateway disconnected');
    this.#handler.closed(this);
  }

  #refuse(code: string, reason: string): void {
    this.send({ type: 'error', code, reason });
    this.#log.warn({ code, reason }, 'link refused');
    this.#close(CLOSE_CODE.refused, reason);
  }

  #receive(data: RawData, isBinary: boolean): void {
    if (this.signal.aborted || this.#draining) return;
    this.#heard = true;
    // ws hands a text over as one buffer, unless told otherwise.
    const text = isBinary || !Buffer.isBuffer(data) ? null : data;
    const decoded =
      text === null
        ? ({ kind: 'malformed', reason: 'expected a text frame', seq: null } as const)
        : decodeGatewayFrame(text.toString());
    const bytes = text?.length ?? 0;
    if (decoded.kind !== 'frame' || !('seq' in decoded.frame)) this.#flow.charge(bytes);
    if (decoded.kind === 'frame')
      return this.#greeted ? this.#dispatch(decoded.frame, bytes) : this.#greet(decoded.frame);
    if (this.#greeted) this.#complain(decoded.reason, decoded.seq);
    else this.#refuse('frame_invalid', `expected hello first: ${decoded.reason}`);
  }

  #complain(reason: string, seq: number | null): void {
    const code = 'frame_invalid';
    this.send(seq === null ? { type: 'error', code, reason } : { type: 'nack', seq, code, reason });
    if (!this.#malformed.spend(this.#clock.now())) this.#refuse(code, 'too many malformed frames');
  }

  #greet(frame: GatewayFrame): void {
    if (frame.type !== 'hello') {
      return this.#refuse('frame_invalid', `expected hello first, got ${frame.type}`);
    }
    if (frame.gateway_id !== this.gatewayId) {
      const reason = `this token belongs to gateway ${this.gatewayId}, not ${frame.gateway_id}`;
      return this.#refuse('token_wrong', reason);
    }
    this.#greeted = true;
    this.#timer.cancel();
    this.#timer = repeat(this.#clock, this.#limits.pingEveryMs, () => this.#ping());
    this.#log.info({ bots: frame.bots.length }, 'gateway connected');
    this.#handler.opened(this, frame.bots);
  }

  #ping(): void {
    // Of a socket that is paused nothing is heard, and that is not the peer's fault.
    if (!this.#heard && !this.#socket.isPaused) return this.fail('the gateway is silent');
    this.#heard = false;
    this.#socket.ping();
  }

  #dispatch(frame: GatewayFrame, bytes: number): void {
    switch (frame.type) {
      case 'hello':
        return this.#complain('hello came twice', null);
      case 'bot.status':
        return this.#flow.take(this.#handler.status(this, frame), bytes);
      case 'media.held':
      case 'letters.listed':
      case 'letters.retried':
      case 'send.declined':
        return this.#handler.answered(this, frame);
      case 'inbound':
      case 'media.staged':
      case 'media.corrupt':
      case 'sent':
      case 'send.failed':
        return this.#flow.take(this.#makeDurable(frame), bytes);
    }
  }

  #throttled(): void {
    const now = this.#clock.now();
    if (now < this.#throttledAt + MINUTE_MS) return;
    this.#throttledAt = now;
    this.#log.warn({}, 'the gateway says more than it may; it is read more slowly');
  }

  async #makeDurable(frame: DurableFrame): Promise<void> {
    try {
      this.#answer(frame.seq, await this.#handler.durable(this, frame));
    } catch (error) {
      this.fail(error instanceof DragomanError ? error.code : describeError(error));
    }
  }

  #answer(seq: number, verdict: FrameVerdict): void {
    if (verdict.kind === 'ack') return this.send({ type: 'ack', seq });
    const { kind, code, reason } = verdict;
    this.send({ type: kind, seq, code, reason });
  }
}
