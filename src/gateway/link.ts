import { backOffMs, jittered } from '../base/back-off.ts';
import type { Clock, Timer } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { BackendFrame } from '../protocol/frames.ts';
import { AckBatch } from './ack-batch.ts';
import type { FrameSource } from './frame-pump.ts';
import {
  type ConnectionEnding,
  LINK_TIMING,
  LinkConnection,
  type LinkTiming,
  type PassingFrame,
} from './link-connection.ts';

const FIRST_REDIAL_MS = 500;
const LONGEST_REDIAL_MS = 10_000;
const REFUSED_REDIAL_MS = 60_000;
/** A link that stood this long, or on which something was acked, is one that succeeded. */
const STEADY_AFTER_MS = 30_000;

export interface LinkOptions {
  /** Backends that share one store, `ws://` or `wss://`; one at a time is dialled, in turn. */
  readonly urls: readonly [string, ...string[]];
  readonly token: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** In [0, 1). */
  readonly random: () => number;
  readonly timing?: LinkTiming;
}

/** The gateway, as its link sees it. None may throw. */
export interface LinkHost {
  readonly frames: FrameSource;
  greeting(): readonly PassingFrame[];
  /** The backend has made these durable. False when that cannot be recorded now. */
  acknowledged(seqs: readonly number[]): boolean;
  received(frame: Exclude<BackendFrame, { type: 'ack' }>): void;
}

/**
 * Keeps one connection to one of the backends.
 *   L1 At most one connection at a time. Its frames are heard until it is closed, never after `stop`.
 *   L2 After every loss it dials again, the next backend in turn, ever more slowly up to 10 s, once a minute
 *      when the token is refused; soon again only after a link that was good for something.
 *   L3 Acks reach the journal before the unacked frames are read for the next connection.
 */
export class BackendLink {
  readonly #options: LinkOptions;
  readonly #host: LinkHost;
  readonly #acks: AckBatch;
  #connection: LinkConnection | null = null;
  #redial: Timer | null = null;
  /** Until the link has stood long enough. */
  #standing: Timer | null = null;
  #failedDials = 0;
  #urlIndex = 0;
  #stopped: (() => void) | null = null;

  constructor(options: LinkOptions, host: LinkHost) {
    this.#options = options;
    this.#host = host;
    this.#acks = new AckBatch(options.clock, (seqs) => host.acknowledged(seqs));
  }

  get isOpen(): boolean {
    return this.#connection?.isOpen ?? false;
  }

  start(): void {
    this.#dial();
  }

  /** Something was journalled. */
  notify(): void {
    this.#connection?.notify();
  }

  /** Says something that need not survive. */
  tell(frame: PassingFrame): void {
    this.#connection?.tell(frame);
  }

  /** Hangs up, and waits for the peer to do so too until `signal` aborts. */
  async stop(signal: AbortSignal): Promise<void> {
    this.#redial?.cancel();
    const connection = this.#connection;
    if (connection !== null) {
      const terminate = (): void => connection.terminate();
      signal.addEventListener('abort', terminate, { once: true });
      await new Promise<void>((resolve) => {
        this.#stopped = resolve;
        if (signal.aborted) terminate();
        else connection.close();
      });
      signal.removeEventListener('abort', terminate);
    }
    this.#acks.close();
  }

  #dial(): void {
    const { urls, token, clock, log, timing = LINK_TIMING } = this.#options;
    const url = urls[this.#urlIndex % urls.length] ?? urls[0];
    this.#connection = new LinkConnection(
      { url, token, frames: this.#host.frames, timing, clock, log },
      {
        greeting: () => this.#opened(),
        received: (frame) => this.#received(frame),
        closed: (ending) => this.#lost(url, ending),
      },
    );
  }

  #received(frame: BackendFrame): void {
    if (frame.type !== 'ack') return this.#host.received(frame);
    this.#failedDials = 0;
    this.#acks.add(frame.seq);
  }

  /** A backend may greet, and fail right after that, each time anew. */
  #opened(): readonly PassingFrame[] {
    this.#standing = this.#options.clock.schedule(STEADY_AFTER_MS, () => (this.#failedDials = 0));
    return this.#host.greeting();
  }

  #lost(url: string, ending: ConnectionEnding): void {
    this.#connection = null;
    this.#standing?.cancel();
    this.#acks.flush();
    if (this.#stopped !== null) return this.#stopped();
    const { urls, clock } = this.#options;
    this.#report(url, ending);
    this.#failedDials += 1;
    this.#urlIndex = (this.#urlIndex + 1) % urls.length;
    this.#redial = clock.schedule(this.#redialDelayMs(ending), () => this.#dial());
  }

  #report(url: string, ending: ConnectionEnding): void {
    const { log } = this.#options;
    if (ending.kind === 'lost')
      return log.warn({ url, reason: ending.reason }, 'backend not connected; dialling again');
    log.error(
      { url },
      "the backend refuses this gateway's token: give both the same one, for this gateway's id, then restart the one that had it wrong",
    );
  }

  /** Doubles with each round through the backends. */
  #redialDelayMs(ending: ConnectionEnding): number {
    const { urls, random } = this.#options;
    const round = Math.floor((this.#failedDials - 1) / urls.length);
    const delayMs =
      ending.kind === 'token_refused'
        ? REFUSED_REDIAL_MS
        : backOffMs(FIRST_REDIAL_MS, round, LONGEST_REDIAL_MS);
    return jittered(delayMs, random());
  }
}
