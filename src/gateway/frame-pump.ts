import type { Clock } from '../base/clock.ts';
import type { StoredFrame } from './frame-log.ts';

export interface FrameSource {
  /** The unacked frames after `seq`, in order. */
  after(seq: number, limit: number): readonly StoredFrame[];
}

export interface FrameSink {
  /** Bytes handed over and not on the wire yet. */
  readonly bufferedAmount: number;
  /** Hands a text over; `written` is called once it is on the wire or the sink is closed. */
  send(text: string, written: () => void): void;
}

export interface PumpLimits {
  /** Frames sent and not answered. */
  readonly maxInFlight: number;
  /** What may wait for a slow reader. */
  readonly maxBufferedBytes: number;
}

/**
 * Moves durable frames from the journal to one connection.
 *   U1 They go in seq order, each at most once per connection: what was sent is behind the cursor.
 *   U2 At most `maxInFlight` are unanswered, and no more than `maxBufferedBytes` plus one frame wait for the reader.
 */
export class FramePump {
  readonly #source: FrameSource;
  readonly #sink: FrameSink;
  readonly #limits: PumpLimits;
  readonly #clock: Clock;
  /** When each unanswered frame was sent, oldest first. */
  readonly #inFlight = new Map<number, number>();
  #cursor = 0;

  constructor(source: FrameSource, sink: FrameSink, limits: PumpLimits, clock: Clock) {
    this.#source = source;
    this.#sink = sink;
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Sends what may be sent now: when the connection opens, and whenever a frame was journalled. */
  pump(): void {
    let room = this.#room();
    while (room > 0) {
      const frames = this.#source.after(this.#cursor, room);
      for (const { seq, body } of frames) {
        if (this.#room() === 0) return;
        this.#cursor = seq;
        this.#inFlight.set(seq, this.#clock.now());
        this.#sink.send(body, () => this.#written());
      }
      if (frames.length < room) return;
      room = this.#room();
    }
  }

  /** The backend answered for good. False: that frame is not in flight here. */
  answered(seq: number): boolean {
    const known = this.#inFlight.delete(seq);
    if (known) this.pump();
    return known;
  }

  /** How long the oldest unanswered frame has waited. */
  oldestWaitMs(): number {
    const [sentAt] = this.#inFlight.values();
    return sentAt === undefined ? 0 : this.#clock.now() - sentAt;
  }

  #written(): void {
    if (this.#sink.bufferedAmount === 0) this.pump();
  }

  #room(): number {
    return this.#sink.bufferedAmount > this.#limits.maxBufferedBytes
      ? 0
      : this.#limits.maxInFlight - this.#inFlight.size;
  }
}
