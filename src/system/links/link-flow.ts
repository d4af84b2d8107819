import type { Clock, Timer } from '../../base/clock.ts';
import type { TokenBucket } from './token-bucket.ts';

/** A socket that can be left unread. */
export interface PausableSocket {
  readonly isPaused: boolean;
  pause(): void;
  resume(): void;
}

export interface FlowLimits {
  /** Frames in hand at a time, being made durable or on their way to their bot. */
  readonly maxInFlight: number;
  readonly maxInFlightBytes: number;
}

export interface FlowOptions {
  readonly socket: PausableSocket;
  readonly limits: FlowLimits;
  /** Of the gateway, whatever link it speaks over. */
  readonly allowance: TokenBucket;
  readonly clock: Clock;
  /** The gateway says more than it may. */
  readonly throttled: () => void;
  /** The socket is read again. */
  readonly resumed: () => void;
}

/** A frame costs one token, and one more for each of these. */
const BYTES_PER_TOKEN = 4_096;

/**
 * When the socket of a link is read. Nothing is ever dropped: what is not read waits at the gateway, behind TCP.
 *   F1 With `maxInFlight` frames or `maxInFlightBytes` in hand nothing more is read until half of that is answered: so
 *      durable frames come as fast as the store takes them, and need no other bound.
 *   F2 What changes nothing durable has nothing that slows it down: each such frame is charged to the gateway's allowance, and
 *      while that is in debt nothing is read.
 *   F3 What is read beyond a bound is what one read of the socket brought.
 *   F4 After `drain` and `end` it neither pauses nor resumes.
 */
export class LinkFlow {
  readonly #options: FlowOptions;
  readonly #inHand = new Set<Promise<void>>();
  #bytesInHand = 0;
  #debt: Timer | null = null;
  #over = false;

  constructor(options: FlowOptions) {
    this.#options = options;
  }

  /** A frame is in hand until `working` settles. */
  take(working: Promise<void>, bytes: number): void {
    const { socket } = this.#options;
    const work = working.finally(() => {
      this.#inHand.delete(work);
      this.#bytesInHand -= bytes;
      this.#resume();
    });
    this.#inHand.add(work);
    this.#bytesInHand += bytes;
    if (!this.#over && this.#share() >= 1) socket.pause();
  }

  /** Something came that changes nothing durable. */
  charge(bytes: number): void {
    this.#options.allowance.spend(1 + Math.floor(bytes / BYTES_PER_TOKEN));
    this.#waitForDebt();
  }

  /** Nothing more is read; resolves when what is in hand is answered. */
  async drain(): Promise<void> {
    this.end();
    this.#options.socket.pause();
    await Promise.all(this.#inHand);
  }

  end(): void {
    this.#over = true;
    this.#debt?.cancel();
  }

  #waitForDebt(): void {
    const { socket, allowance, clock, throttled } = this.#options;
    const { debtMs } = allowance;
    if (debtMs === 0 || this.#debt !== null || this.#over) return;
    socket.pause();
    throttled();
    this.#debt = clock.schedule(debtMs, () => {
      this.#debt = null;
      this.#waitForDebt();
      this.#resume();
    });
  }

  #resume(): void {
    const { socket, resumed } = this.#options;
    if (this.#over || this.#debt !== null || this.#share() > 0.5 || !socket.isPaused) return;
    socket.resume();
    resumed();
  }

  /** Of what may be in hand. */
  #share(): number {
    const { maxInFlight, maxInFlightBytes } = this.#options.limits;
    return Math.max(this.#inHand.size / maxInFlight, this.#bytesInHand / maxInFlightBytes);
  }
}
