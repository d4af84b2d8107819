import type { ChangeStreamDocument, Collection, Document } from 'mongodb';
import type { Clock } from '../../base/clock.ts';
import { pause } from '../../base/deadlines.ts';
import { describeError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { TurnDocument } from './collections.ts';

export interface ClaimableWatchOptions {
  readonly turns: Collection<TurnDocument>;
  readonly clock: Clock;
  readonly log: Logger;
  /** How often to look where the server offers no change stream, and how long to wait before asking for it again. */
  readonly pollMs: number;
  /** Told of a pool in which a job may wait that no worker of this process knows of. */
  readonly listener: (pool: string) => void;
}

/** A bot gained a claimable job: what every arrival writes, and no claim. */
const ARRIVALS: Document[] = [
  {
    $match: {
      $or: [
        { operationType: 'insert' },
        { operationType: 'update', 'updateDescription.updatedFields.arrivals': { $exists: true } },
      ],
    },
  },
];

/**
 * Hears of jobs that another process made claimable, by a change stream.
 *   W1 A pool that has something to claim is told after the watch began, and after each gap in the stream.
 *   W2 Without a stream, it is told at every poll.
 */
export class ClaimableWatch {
  readonly #options: ClaimableWatchOptions;
  readonly #closing = new AbortController();
  readonly #ended: Promise<void>;

  constructor(options: ClaimableWatchOptions) {
    this.#options = options;
    this.#ended = this.#watch(this.#closing.signal);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#ended;
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { clock, log, pollMs } = this.#options;
    while (!signal.aborted) {
      try {
        await this.#follow(signal);
      } catch (error) {
        if (signal.aborted) return;
        log.warn(
          { reason: describeError(error) },
          'no change stream: claimable jobs are looked for from time to time',
        );
      }
      await this.#tellAll().catch((error: unknown) => {
        log.warn({ reason: describeError(error) }, 'claimable jobs could not be looked for');
      });
      await pause(clock, pollMs, signal).catch(() => undefined);
    }
  }

  /** Rejects when the stream ends; the driver itself resumes one whose connection broke. */
  async #follow(signal: AbortSignal): Promise<void> {
    const { turns, listener } = this.#options;
    await using stream = turns.watch<TurnDocument, ChangeStreamDocument<TurnDocument>>(ARRIVALS, {
      fullDocument: 'updateLookup',
    });
    signal.addEventListener('abort', () => void stream.close(), { once: true });
    // The first look opens the stream. What was there before it is told all the same.
    await stream.tryNext();
    await this.#tellAll();
    for await (const change of stream) {
      if ('fullDocument' in change && change.fullDocument) listener(change.fullDocument.pool);
    }
  }

  async #tellAll(): Promise<void> {
    const { turns, listener } = this.#options;
    for (const pool of await turns.distinct('pool', { claimable: true })) listener(pool);
  }
}
