import type { Collection, Document, Filter } from 'mongodb';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { MediaProcessingJob } from '../../jobs/job.ts';
import type { JobDocument } from '../documents.ts';
import { readSound } from '../records.ts';
import { CollectionWatch, type CollectionWatchOptions } from './collection-watch.ts';
import type { Collections, TurnDocument } from './collections.ts';
import { jobOfDocument, LIVE } from './job-document.ts';
import type { ServerClock } from './server-clock.ts';

export interface WatchesOptions {
  readonly collections: Collections;
  readonly clock: Clock;
  readonly serverClock: ServerClock;
  readonly log: Logger;
}

/** How often to look where the server offers no change stream. */
const POLL_MS = 5_000;

const updated = (field: Document): Document[] => [
  { $match: { $or: [{ operationType: 'insert' }, { operationType: 'update', ...field }] } },
];

/** A bot gained a claimable job: what every arrival writes, and no claim. */
const ARRIVALS = updated({ 'updateDescription.updatedFields.arrivals': { $exists: true } });
const COMPLETIONS = updated({ 'updateDescription.updatedFields.status': 'completed' });
const COMPLETED: Filter<JobDocument> = { status: 'completed' };

/** What a store hears of from the other processes that share it, until it is closed. */
export class Watches {
  readonly #options: WatchesOptions;
  readonly #watches: Pick<CollectionWatch<never>, 'close'>[] = [];

  constructor(options: WatchesOptions) {
    this.#options = options;
  }

  claimable(listener: (pool: string) => void): void {
    const { turns } = this.#options.collections;
    this.#watch<TurnDocument>(turns, ARRIVALS, {
      changed: ({ pool }) => listener(pool),
      async lookAround() {
        for (const pool of await turns.distinct('pool', { claimable: true })) listener(pool);
      },
    });
  }

  /** A bot may come and go while its job is worked on: both collections are watched. */
  completed(listener: (job: MediaProcessingJob) => void): void {
    const { log, serverClock, collections } = this.#options;
    for (const collection of LIVE) {
      const jobs = collections.jobs[collection];
      const tell = (document: JobDocument): void => {
        for (const job of readSound([document], (each) => jobOfDocument(each, collection), log)) {
          listener(serverClock.jobToHost(job));
        }
      };
      this.#watch<JobDocument>(jobs, COMPLETIONS, {
        // It is looked up after the change: it may be another one's again.
        changed: (document) => document.status === 'completed' && tell(document),
        async lookAround() {
          for await (const document of jobs.find(COMPLETED, { sort: { seq: 1 } })) tell(document);
        },
      });
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#watches.map((watch) => watch.close()));
  }

  #watch<T extends Document>(
    collection: Collection<T>,
    changes: Document[],
    heard: Pick<CollectionWatchOptions<T>, 'changed' | 'lookAround'>,
  ): void {
    const { clock, log } = this.#options;
    this.#watches.push(
      new CollectionWatch<T>({ collection, changes, clock, log, pollMs: POLL_MS, ...heard }),
    );
  }
}
