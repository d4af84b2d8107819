import type { WebSocket } from 'ws';
import type { Clock, Timer } from '../base/clock.ts';
import { DragomanError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { decodeGatewayFrame, encodeFrame } from '../protocol/codec.ts';
import type { BackendFrameBody, DurableFrame, GatewayFrame } from '../protocol/frames.ts';

export const LINK_DEFAULTS = {
  helloDeadlineMs: 5_000,
  pingEveryMs: 30_000,
  /** Malformed frames that a minute may bring before the link is closed. */
  malformedPerMinute: 10,
  /** Frames being made durable at a time; beyond it the socket is paused. */
  maxInFlight: 1_024,
  /** A peer that does not read is closed once this much waits for it. */
  maxBufferedBytes: 8 * 1024 * 1024,
} as const;

/** The rest of the backend, as a link sees it. */
export interface LinkHandler {
  /** The gateway said hello: its bots may be started. A refusal closes the link. */
  opened(link: GatewayLink, botIds: readonly string[]): void;
  /** Makes a frame durable. Resolves to what to tell the gateway; a rejection closes the link, unacked. */
  durable(link: GatewayLink, frame: DurableFrame): Promise<FrameVerdict>;
  status(link: GatewayLink, frame: Extract<GatewayFrame, { type: 'bot.status' }>): void;
  held(link: GatewayLink, guids: readonly string[]): void;
  closed(link: GatewayLink): void;
}

export type FrameVerdict =
  | { readonly kind: 'ack' }
  | { readonly kind: 'nack'; readonly code: string; readonly reason: string }
  | { readonly kind: 'error'; readonly code: string; readonly reason: string };

/**
 * The backend's end of one gateway's WebSocket.
 *   L1 The first frame is `hello`, within its deadline, for the gateway that the token belongs to.
 *   L2 A frame is acked only when the handler says it is durable; after `fail` nothing is acked any more, so the
 *      gateway sends everything unacked again, in order.
 *   L3 At most `maxInFlight` frames are in hand; the socket is paused beyond that.
 *   L4 A silent, unreadable or slow peer is closed.
 */
export class GatewayLink {
  readonly gatewayId: string;
  readonly #socket: WebSocket;
  readonly #handler: LinkHandler;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #closing = new AbortController();
  #greeted = false;
  readonly #inHand = new Set<Promise<void>>();
  #draining = false;
  #malformed: number[] = [];
  #alive = true;
  #timer: Timer;

  constructor(socket: WebSocket, gatewayId: string, handler: LinkHandler, clock: Clock, log: Logger) {
    this.gatewayId = gatewayId;
    this.#socket = socket;
    this.#handler = handler;
    this.#clock = clock;
    this.#log = log.child({ gateway_id: gatewayId });
    this.#timer = clock.schedule(LINK_DEFAULTS.helloDeadlineMs, () =>
      this.#refuse('frame_invalid', 'expected hello within 5 s'),
    );
    socket.on('message', (data, isBinary) => this.#receive(data.toString(), isBinary));
    socket.on('pong', () => (this.#alive = true));
    socket.on('close', () => this.#ended());
    socket.on('error', (error) => this.#log.warn({ reason: error.message }, 'link error'));
  }

  /** Aborted as soon as the link must not carry another ack. */
  get signal(): AbortSignal {
    return this.#closing.signal;
  }

  send(frame: BackendFrameBody): void {
    if (this.signal.aborted) return;
    this.#socket.send(encodeFrame(frame));
    if (this.#socket.bufferedAmount > LINK_DEFAULTS.maxBufferedBytes) this.fail('the gateway does not read');
  }

  /** Closes the link because a write failed or its outcome is unknown: order holds by sending again. */
  fail(reason: string): void {
    if (this.signal.aborted) return;
    this.#log.warn({ reason }, 'link closed');
    this.close(1011, reason);
  }

  /** Takes no further frame off the socket; resolves when what was taken is answered. */
  async drain(): Promise<void> {
    this.#draining = true;
    this.#socket.pause();
    await Promise.all(this.#inHand);
  }

  close(code: number, reason: string): void {
    if (this.signal.aborted) return;
    this.#closing.abort(new DragomanError('link_closed', reason));
    this.#timer.cancel();
    this.#socket.close(code, reason.slice(0, 120));
    this.#timer = this.#clock.schedule(LINK_DEFAULTS.helloDeadlineMs, () => this.#socket.terminate());
  }

  #ended(): void {
    this.#timer.cancel();
    this.#closing.abort(new DragomanError('link_closed', 'the gateway hung up'));
    if (this.#greeted) this.#handler.closed(this);
  }

  #refuse(code: string, reason: string): void {
    this.send({ type: 'error', code, reason });
    this.close(1008, reason);
  }

  #receive(raw: string, isBinary: boolean): void {
    if (this.signal.aborted || this.#draining) return;
    this.#alive = true;
    const decoded = isBinary
      ? ({ kind: 'malformed', reason: 'expected a text frame', seq: null } as const)
      : decodeGatewayFrame(raw);
    if (decoded.kind === 'malformed') this.#complain(decoded.reason, decoded.seq);
    else if (!this.#greeted) this.#greet(decoded.frame);
    else this.#dispatch(decoded.frame);
  }

  #complain(reason: string, seq: number | null): void {
    this.send(
      seq === null
        ? { type: 'error', code: 'frame_invalid', reason }
        : { type: 'nack', seq, code: 'frame_invalid', reason },
    );
    const now = this.#clock.now();
    this.#malformed = [...this.#malformed.filter((at) => at > now - 60_000), now];
    if (this.#malformed.length >= LINK_DEFAULTS.malformedPerMinute)
      this.#refuse('frame_invalid', 'too many malformed frames');
  }

  #greet(frame: GatewayFrame): void {
    if (frame.type !== 'hello')
      return this.#refuse('frame_invalid', `expected hello first, got ${frame.type}`);
    if (frame.gateway_id !== this.gatewayId) {
      return this.#refuse(
        'token_wrong',
        `this token belongs to gateway ${this.gatewayId}, not ${frame.gateway_id}`,
      );
    }
    this.#greeted = true;
    this.#timer.cancel();
    this.#keepAlive();
    this.#log.info({ bots: frame.bots.length }, 'gateway connected');
    this.#handler.opened(this, frame.bots);
  }

  #keepAlive(): void {
    this.#timer = this.#clock.schedule(LINK_DEFAULTS.pingEveryMs, () => {
      if (!this.#alive) return this.fail('the gateway is silent');
      this.#alive = false;
      this.#socket.ping();
      this.#keepAlive();
    });
  }

  #dispatch(frame: GatewayFrame): void {
    switch (frame.type) {
      case 'hello':
        return this.#complain('hello came twice', null);
      case 'bot.status':
        return this.#handler.status(this, frame);
      case 'media.held':
        return this.#handler.held(this, frame.guids);
      case 'inbound':
      case 'media.staged':
      case 'media.corrupt':
      case 'sent':
      case 'send.failed':
        this.#take(frame);
    }
  }

  #take(frame: DurableFrame): void {
    const work = this.#makeDurable(frame).finally(() => {
      this.#inHand.delete(work);
      if (!this.#draining && this.#inHand.size === LINK_DEFAULTS.maxInFlight / 2) this.#socket.resume();
    });
    this.#inHand.add(work);
    if (this.#inHand.size >= LINK_DEFAULTS.maxInFlight) this.#socket.pause();
  }

  async #makeDurable(frame: DurableFrame): Promise<void> {
    try {
      const verdict = await this.#handler.durable(this, frame);
      this.#answer(frame.seq, verdict);
    } catch (error) {
      this.fail(error instanceof DragomanError ? error.code : 'invariant_broken');
    }
  }

  #answer(seq: number, verdict: FrameVerdict): void {
    switch (verdict.kind) {
      case 'ack':
        return this.send({ type: 'ack', seq });
      case 'nack':
        return this.send({ type: 'nack', seq, code: verdict.code, reason: verdict.reason });
      case 'error':
        return this.send({ type: 'error', code: verdict.code, reason: verdict.reason });
    }
  }
}
