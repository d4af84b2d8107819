import type { ChangeStreamDocument, Collection, Document } from 'mongodb';
import type { Clock } from '../../base/clock.ts';
import { pause } from '../../base/deadlines.ts';
import { describeError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';

export interface CollectionWatchOptions<T extends Document> {
  readonly collection: Collection<T>;
  /** Which changes are of interest. */
  readonly changes: Document[];
  readonly clock: Clock;
  readonly log: Logger;
  /** How often to look where the server offers no change stream, and how long to wait before asking for it again. */
  readonly pollMs: number;
  /** Told of a document after it has changed. */
  readonly changed: (document: T) => void;
  /** Tells of everything that is of interest now. */
  readonly lookAround: () => Promise<void>;
}

/**
 * Hears of what other processes write to a collection, by a change stream.
 *   W1 It looks around after the watch began, and after each gap in the stream.
 *   W2 Without a stream, it looks around at every poll.
 */
export class CollectionWatch<T extends Document> {
  readonly #options: CollectionWatchOptions<T>;
  readonly #closing = new AbortController();
  readonly #ended: Promise<void>;

  constructor(options: CollectionWatchOptions<T>) {
    this.#options = options;
    this.#ended = this.#watch(this.#closing.signal);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#ended;
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { collection, clock, log, pollMs, lookAround } = this.#options;
    const { collectionName } = collection;
    while (!signal.aborted) {
      try {
        await this.#follow(signal);
      } catch (error) {
        if (signal.aborted) return;
        log.warn(
          { collection: collectionName, reason: describeError(error) },
          'no change stream: what other processes did is looked for from time to time',
        );
      }
      await lookAround().catch((error: unknown) => {
        log.warn(
          { collection: collectionName, reason: describeError(error) },
          'what other processes did could not be looked for',
        );
      });
      await pause(clock, pollMs, signal).catch(() => undefined);
    }
  }

  /** Rejects when the stream ends; the driver itself resumes one whose connection broke. */
  async #follow(signal: AbortSignal): Promise<void> {
    const { collection, changes, changed, lookAround } = this.#options;
    await using stream = collection.watch<T, ChangeStreamDocument<T>>(changes, {
      fullDocument: 'updateLookup',
    });
    const close = (): void => void stream.close();
    signal.addEventListener('abort', close, { once: true });
    try {
      // The first look opens the stream. What was there before it is told all the same.
      await stream.tryNext();
      await lookAround();
      for await (const change of stream) {
        if ('fullDocument' in change && change.fullDocument) changed(change.fullDocument);
      }
    } finally {
      // The watch outlives its streams.
      signal.removeEventListener('abort', close);
    }
  }
}
