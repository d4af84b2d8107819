import type { DragomanEvent } from '../../actors/events.ts';
import { LIVE_LIMITS, type SecondView } from './contract.ts';

const SECOND_MS = 1_000;
/** Per second; those beyond are counted, not measured. */
const MEASURED = 1_000;

interface Second {
  readonly at: number;
  accepted: number;
  ingested: number;
  fulfilled: number;
  evicted: number;
  readonly textMs: number[];
  readonly mediaMs: number[];
}

type Counts = Record<'accepted' | 'duplicates' | 'fulfilled' | 'failed' | 'ingested' | 'evicted', number>;

/**
 * How much happened, since the start and in each of the last seconds.
 *   T1 Memory is bounded: `LIVE_LIMITS.seconds` seconds, and for the current one `MEASURED` latencies of a kind.
 */
export class Throughput {
  readonly #now: () => number;
  readonly #counts: Counts = { accepted: 0, duplicates: 0, fulfilled: 0, failed: 0, ingested: 0, evicted: 0 };
  readonly #ended: SecondView[] = [];
  #current: Second | null = null;

  constructor(now: () => number) {
    this.#now = now;
  }

  get counts(): Readonly<Counts> {
    return this.#counts;
  }

  take(event: DragomanEvent): void {
    switch (event.kind) {
      case 'accepted':
        this.#counts.accepted += 1;
        this.#second().accepted += 1;
        return;
      case 'duplicate':
        this.#counts.duplicates += 1;
        return;
      case 'fulfilled': {
        const second = this.#second();
        this.#counts.fulfilled += 1;
        if (event.failed) this.#counts.failed += 1;
        second.fulfilled += 1;
        measure(second.mediaMs, event.message.readyTime - event.message.acceptedTime);
        return;
      }
      case 'ingested': {
        const second = this.#second();
        const now = this.#now();
        this.#counts.ingested += event.messages.length;
        second.ingested += event.messages.length;
        for (const { acceptedTime, readyTime } of event.messages) {
          // What was ready when it was accepted is a text.
          if (readyTime === acceptedTime) measure(second.textMs, now - acceptedTime);
        }
        return;
      }
      case 'evicted':
        this.#counts.evicted += 1;
        this.#second().evicted += 1;
        return;
      case 'bot':
      case 'queue':
      case 'rehydrated':
      case 'forgotten':
      case 'job_done':
    }
  }

  /** The seconds that began after `after` and have ended, oldest first. */
  secondsAfter(after: number): readonly SecondView[] {
    this.#endPast();
    const from = this.#ended.findIndex(({ at }) => at > after);
    return from === -1 ? [] : this.#ended.slice(from);
  }

  #second(): Second {
    this.#endPast();
    this.#current ??= {
      at: this.#thisSecond(),
      accepted: 0,
      ingested: 0,
      fulfilled: 0,
      evicted: 0,
      textMs: [],
      mediaMs: [],
    };
    return this.#current;
  }

  #endPast(): void {
    const current = this.#current;
    if (current === null || current.at === this.#thisSecond()) return;
    this.#ended.push({
      ...current,
      textMs: quantile95(current.textMs),
      mediaMs: quantile95(current.mediaMs),
    });
    if (this.#ended.length > LIVE_LIMITS.seconds) this.#ended.shift();
    this.#current = null;
  }

  #thisSecond(): number {
    return Math.floor(this.#now() / SECOND_MS) * SECOND_MS;
  }
}

function measure(samples: number[], ms: number): void {
  if (samples.length < MEASURED) samples.push(Math.max(ms, 0));
}

function quantile95(samples: readonly number[]): number | null {
  const sorted = samples.toSorted((one, other) => one - other);
  return sorted[Math.ceil(sorted.length * 0.95) - 1] ?? null;
}
