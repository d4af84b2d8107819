import type { AnyBulkWriteOperation, UpdateFilter } from 'mongodb';
import type { Guid } from '../../../base/ids.ts';
import { type JobDocument, mediaMetadataDocument } from '../../documents.ts';
import type { StagedMedia } from '../../message-store.ts';
import type { Coalescible } from '../coalescing.ts';
import { STORE } from '../lanes.ts';
import type { Transaction } from '../transactions.ts';
import { done } from './chats-together.ts';
import { liveJobsAmong, NO_ROUND } from './jobs.ts';
import { takeRounds } from './turns.ts';
import { ownedStore } from './writing.ts';

export interface Staging {
  readonly guid: Guid;
  readonly staged: StagedMedia;
  readonly now: number;
}

type StageOutcome = 'pending' | 'already' | 'unknown';

/** Each of another job. */
export const STAGING: Coalescible<Staging, StageOutcome> = {
  alone: (staging) => async (transaction) => {
    const [outcome] = await stage(transaction, [staging]);
    return outcome ?? 'unknown';
  },

  poolsOf: ({ staged: { pool } }) => [pool, STORE],

  async together(transaction, items) {
    return (await stage(transaction, items)).map(done);
  },
};

async function stage(transaction: Transaction, items: readonly Staging[]): Promise<readonly StageOutcome[]> {
  const owned = await ownedStore(transaction);
  const { session } = owned;
  const { jobs } = owned.collections;
  const found = await liveJobsAmong(
    owned,
    items.map(({ guid }) => guid),
  );
  const downloaded = items.flatMap((item) => {
    const job = found.get(item.guid);
    return job?.status === 'downloading' ? [{ ...item, job }] : [];
  });
  const contenders = downloaded.flatMap(({ guid, job, staged: { pool } }) =>
    job.collection === 'active'
      ? [{ guid, pool, botId: job.bot_id, correspondentId: job.correspondent_id }]
      : [],
  );
  const rounds = await takeRounds(owned, contenders);
  const roundOf = new Map(contenders.map(({ guid }, index) => [guid, rounds[index]]));
  for (const [collection, ofCollection] of Map.groupBy(downloaded, ({ job }) => job.collection)) {
    await jobs[collection].bulkWrite(
      ofCollection.map((item): AnyBulkWriteOperation<JobDocument> => ({
        updateOne: { filter: { guid: item.guid }, update: pending(item, roundOf.get(item.guid) ?? NO_ROUND) },
      })),
      { session },
    );
  }
  return items.map(({ guid }) => {
    const job = found.get(guid);
    if (job === undefined) return 'unknown';
    return job.status === 'downloading' ? 'pending' : 'already';
  });
}

const pending = (
  { staged: { mimeType, pool, media }, now }: Staging,
  round: number,
): UpdateFilter<JobDocument> => ({
  $set: {
    status: 'pending',
    pool,
    round,
    mime_type: mimeType,
    media_metadata: mediaMetadataDocument(media),
    staged_at: now,
    changed_at: now,
  },
});
