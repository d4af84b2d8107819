import { type RawData, WebSocket } from 'ws';
import type { Clock, Timer } from '../base/clock.ts';
import { repeat } from '../base/deadlines.ts';
import { describeError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { RateBudget } from '../base/rate-budget.ts';
import { MINUTE_MS } from '../base/units.ts';
import { decodeBackendFrame, encodeFrame } from '../protocol/codec.ts';
import {
  type AnswerFrame,
  type BackendFrame,
  type GatewayFrameBody,
  WIRE_LIMITS,
} from '../protocol/frames.ts';
import { FramePump, type FrameSink, type FrameSource } from './frame-pump.ts';

export interface LinkTiming {
  readonly handshakeTimeoutMs: number;
  /** A peer that is silent for twice as long is closed. */
  readonly pingEveryMs: number;
  /** A frame that is not answered for this long closes the connection, so that everything is sent again. */
  readonly answerTimeoutMs: number;
}

export const LINK_TIMING: LinkTiming = {
  handshakeTimeoutMs: 10_000,
  pingEveryMs: 30_000,
  answerTimeoutMs: 120_000,
};

const PUMP_LIMITS = { maxInFlight: 256, maxBufferedBytes: 1024 * 1024 };
/** One more ends the connection. */
const MALFORMED_BORNE = { most: 9, periodMs: MINUTE_MS };

/** Frames that are not journalled: lost with the connection, and said again after the next hello. */
export type PassingFrame = Extract<
  GatewayFrameBody,
  { type: 'hello' | 'bot.status' | 'send.declined' | AnswerFrame['type'] }
>;

export interface ConnectionHost {
  /** The gateway's introduction, and what the backend must know at once. */
  greeting(): readonly PassingFrame[];
  received(frame: BackendFrame): void;
  /** Called once, when the socket is closed for good. */
  closed(ending: ConnectionEnding): void;
}

export type ConnectionEnding =
  { readonly kind: 'token_refused' } | { readonly kind: 'lost'; readonly reason: string };

export interface ConnectionOptions {
  readonly url: string;
  readonly token: string;
  readonly frames: FrameSource;
  readonly timing: LinkTiming;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * One WebSocket to a backend, from dialling to its end.
 *   K1 `hello` is the first frame; journalled frames follow in seq order, each at most once (U1).
 *   K2 A silent peer, one that does not answer, and one that talks nonsense is closed.
 *   K3 No frame of the peer makes it throw.
 */
export class LinkConnection {
  readonly #socket: WebSocket;
  readonly #host: ConnectionHost;
  readonly #options: ConnectionOptions;
  readonly #pump: FramePump;
  readonly #malformed = new RateBudget(MALFORMED_BORNE);
  #watchdog: Timer | null = null;
  #heard = true;
  #ending: ConnectionEnding | null = null;

  constructor(options: ConnectionOptions, host: ConnectionHost) {
    this.#options = options;
    this.#host = host;
    const socket = new WebSocket(options.url, {
      headers: { authorization: `Bearer ${options.token}` },
      handshakeTimeout: options.timing.handshakeTimeoutMs,
      maxPayload: WIRE_LIMITS.frameBytes,
      perMessageDeflate: false,
    });
    this.#socket = socket;
    this.#pump = new FramePump(options.frames, this.#sink(), PUMP_LIMITS, options.clock);
    socket.on('open', () => this.#guarded(() => this.#opened()));
    socket.on('message', (data, isBinary) => this.#guarded(() => this.#receive(data, isBinary)));
    socket.on('pong', () => (this.#heard = true));
    socket.on('unexpected-response', (_request, response) => this.#refused(response.statusCode ?? 0));
    socket.on('error', (error) => this.#blame(error.message));
    socket.on('close', (code, reason) => this.#closed(code, reason.toString()));
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  /** Something was journalled. */
  notify(): void {
    if (this.isOpen) this.#guarded(() => this.#pump.pump());
  }

  /** Says something that need not survive; dropped when the connection is not open. */
  tell(frame: PassingFrame): void {
    if (this.isOpen) this.#socket.send(encodeFrame(frame));
  }

  /** Says goodbye; `closed` follows, at the latest when `terminate` is called. */
  close(): void {
    this.#socket.close(1000, 'the gateway stops');
  }

  terminate(): void {
    this.#socket.terminate();
  }

  #opened(): void {
    const { clock, timing, log, url } = this.#options;
    log.info({ url }, 'backend connected');
    for (const frame of this.#host.greeting()) this.tell(frame);
    this.#watchdog = repeat(clock, timing.pingEveryMs, () => this.#watch());
    this.#pump.pump();
  }

  #watch(): void {
    if (!this.#heard) return this.#giveUp('the backend is silent');
    if (this.#pump.oldestWaitMs() > this.#options.timing.answerTimeoutMs) {
      return this.#giveUp('the backend does not answer a frame');
    }
    this.#heard = false;
    this.#socket.ping();
  }

  #receive(data: RawData, isBinary: boolean): void {
    this.#heard = true;
    const decoded = isBinary
      ? ({ kind: 'malformed', reason: 'expected a text frame' } as const)
      : decodeBackendFrame(textOf(data));
    if (decoded.kind === 'malformed') return this.#complain(decoded.reason);
    const { frame } = decoded;
    const answered = seqOf(frame);
    if (answered === null || this.#pump.answered(answered)) this.#host.received(frame);
  }

  #complain(reason: string): void {
    this.#options.log.warn({ reason }, 'the backend sent a malformed frame; ignored');
    if (!this.#malformed.spend(this.#options.clock.now())) this.#giveUp('too many malformed frames');
  }

  #refused(status: number): void {
    if (status === 401) this.#ending = { kind: 'token_refused' };
    this.#giveUp(`status ${status} at the upgrade`);
  }

  #sink(): FrameSink {
    const socket = this.#socket;
    return {
      get bufferedAmount() {
        return socket.bufferedAmount;
      },
      send: (text, written) => socket.send(text, () => this.#guarded(written)),
    };
  }

  /** The journal may refuse to be read: that ends this connection, not the process. */
  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#options.log.error({ reason: describeError(error) }, 'the link stumbled; connecting afresh');
      this.#giveUp('an error in the gateway');
    }
  }

  #giveUp(reason: string): void {
    this.#blame(reason);
    this.#socket.terminate();
  }

  /** The first reason is the cause; what follows from it is not. */
  #blame(reason: string): void {
    this.#ending ??= { kind: 'lost', reason };
  }

  #closed(code: number, reason: string): void {
    this.#watchdog?.cancel();
    this.#host.closed(
      this.#ending ?? { kind: 'lost', reason: `closed with code ${code} ${reason}`.trimEnd() },
    );
  }
}

/** The seq of the frame that this one answers. */
const seqOf = (frame: BackendFrame): number | null => ('seq' in frame ? (frame.seq ?? null) : null);

/** ws hands texts over as one buffer, unless told otherwise. */
const textOf = (data: RawData): string => (Buffer.isBuffer(data) ? data.toString() : '');
