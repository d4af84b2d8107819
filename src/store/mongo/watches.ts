import type { Document, Filter } from 'mongodb';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { JobCollection, MediaProcessingJob } from '../../jobs/job.ts';
import { type JobDocument, readSound } from '../documents.ts';
import { CollectionWatch } from './collection-watch.ts';
import type { Collections, TurnDocument } from './collections.ts';
import { jobOfDocument, LIVE } from './job-document.ts';

/** What a store hears of from the other processes that share it. */

export interface WatchesOptions {
  readonly collections: Collections;
  readonly clock: Clock;
  readonly log: Logger;
  /** How often to look where the server offers no change stream. */
  readonly pollMs: number;
}

/** What is closed when the store is. */
export interface Watch {
  close(): Promise<void>;
}

const updated = (field: Document): Document[] => [
  { $match: { $or: [{ operationType: 'insert' }, { operationType: 'update', ...field }] } },
];

/** A bot gained a claimable job: what every arrival writes, and no claim. */
const ARRIVALS = updated({ 'updateDescription.updatedFields.arrivals': { $exists: true } });
const COMPLETIONS = updated({ 'updateDescription.updatedFields.status': 'completed' });
const COMPLETED: Filter<JobDocument> = { status: 'completed' };

export function watchClaimable(
  { collections: { turns }, clock, log, pollMs }: WatchesOptions,
  listener: (pool: string) => void,
): Watch {
  return new CollectionWatch<TurnDocument>({
    collection: turns,
    changes: ARRIVALS,
    clock,
    log,
    pollMs,
    changed: ({ pool }) => listener(pool),
    async lookAround() {
      for (const pool of await turns.distinct('pool', { claimable: true })) listener(pool);
    },
  });
}

/** A bot may come and go while its job is worked on: both collections are watched. */
export function watchCompleted(
  { collections: { jobs }, clock, log, pollMs }: WatchesOptions,
  listener: (job: MediaProcessingJob) => void,
): readonly Watch[] {
  const tell = (documents: readonly JobDocument[], collection: JobCollection): void => {
    const completed = documents.filter(({ status }) => status === 'completed');
    for (const job of readSound(completed, (each) => jobOfDocument(each, collection), log)) listener(job);
  };
  return LIVE.map(
    (collection) =>
      new CollectionWatch<JobDocument>({
        collection: jobs[collection],
        changes: COMPLETIONS,
        clock,
        log,
        pollMs,
        changed: (job) => tell([job], collection),
        lookAround: async () => tell(await jobs[collection].find(COMPLETED).toArray(), collection),
      }),
  );
}
