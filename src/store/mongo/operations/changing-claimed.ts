import type { AnyBulkWriteOperation } from 'mongodb';
import type { JobDocument } from '../../documents.ts';
import type { ClaimHandle } from '../../work-store.ts';
import type { Coalescible } from '../coalescing.ts';
import { LIVE } from '../job-document.ts';
import { done } from './chats-together.ts';
import { changeClaimed, type ClaimChange } from './jobs.ts';
import { byClaims } from './writing.ts';

export interface ChangingClaimed {
  readonly handle: ClaimHandle;
  readonly change: ClaimChange;
}

/** S5: whether the token was current. Each of another job. */
export const CHANGING_CLAIMED: Coalescible<ChangingClaimed, boolean> = {
  alone:
    ({ handle, change }) =>
    async (transaction) =>
      (await changeClaimed(byClaims(transaction), handle, change)) !== null,

  async together(transaction, items) {
    const { collections, session } = byClaims(transaction);
    const { jobs } = collections;
    const byGuid = new Map(items.map((item) => [item.handle.guid, item]));
    const current = new Set<ChangingClaimed>();
    for (const collection of LIVE) {
      const found = await jobs[collection]
        .find({ guid: { $in: [...byGuid.keys()] } }, { session, projection: { guid: 1, claim_token: 1 } })
        .toArray();
      const changes = found.flatMap(({ guid, claim_token: token }) => {
        const item = byGuid.get(guid);
        return item?.handle.claimToken === token ? [item] : [];
      });
      if (changes.length === 0) continue;
      await jobs[collection].bulkWrite(
        changes.map(({ handle: { guid, claimToken }, change }): AnyBulkWriteOperation<JobDocument> => ({
          updateOne: { filter: { guid, claim_token: claimToken }, update: change },
        })),
        { session },
      );
      for (const item of changes) current.add(item);
    }
    return items.map((item) => done(current.has(item)));
  },
};
