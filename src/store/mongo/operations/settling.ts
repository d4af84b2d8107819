import type { Guid } from '../../../base/ids.ts';
import type { CorrespondentKey } from '../../../jobs/job.ts';
import { chatName } from '../../chat-name.ts';
import { type JobDocument, messageDocument, chatFields, chatKey } from '../../documents.ts';
import type { ClaimedSettleOutcome } from '../../message-store.ts';
import type { Coalescible } from '../coalescing.ts';
import { LIVE } from '../job-document.ts';
import type { OwnerTransaction } from '../transactions.ts';
import { ALONE, chatsByName, deleteReadyOf, done } from './chats-together.ts';
import { failedJob, type FoundJob, liveJobsAmong } from './jobs.ts';
import { settle, type Settling } from './messages.ts';
import { ownedChats } from './writing.ts';

/** One whose placeholder is gone, or whose claim is stale, is left to be done alone. */
export const SETTLING: Coalescible<Settling, ClaimedSettleOutcome> = {
  alone: (settling) => (transaction) => settle(transaction, settling),

  async together(transaction, items) {
    const { collections, session } = transaction;
    const chats = await chatsByName(
      transaction,
      items.map(({ settlement }) => settlement.correspondent),
    );
    const entries = await collections.journal
      .find({ $or: items.map(placeholderOf) }, { session, projection: { _id: 0 } })
      .toArray();
    const places = new Set(entries.map((entry) => placeName(chatKey(entry), entry.id)));
    const jobs = await liveJobsAmong(
      transaction,
      items.map(({ settlement }) => settlement.guid),
    );
    const present = items.flatMap((settling) => {
      const { correspondent, message } = settling.settlement;
      const chat = chats.get(chatName(correspondent));
      return chat !== undefined &&
        places.has(placeName(correspondent, message.id)) &&
        isCurrent(settling, jobs)
        ? [{ settling, chat }]
        : [];
    });
    if (present.length === 0) return items.map(() => ALONE);

    const owned = await ownedChats(
      transaction,
      present.map(({ chat }) => ({ chat, change: {} })),
    );
    const settling = present.map((each) => each.settling);
    await endJobs(owned, settling, jobs);
    await owned.collections.journal.bulkWrite(
      settling.map((each) => ({
        replaceOne: { filter: placeholderOf(each), replacement: textOf(each) },
      })),
      { session },
    );
    await deleteReadyOf(
      owned,
      settling.map(({ settlement }) => ({ key: settlement.correspondent, ids: settlement.evictedIds })),
    );
    const settled = new Set(settling);
    return items.map((each) => (settled.has(each) ? done('settled') : ALONE));
  },
};

const placeholderOf = ({ settlement: { correspondent, guid, message } }: Settling) => ({
  ...chatFields(correspondent),
  id: message.id,
  media_processing_id: guid,
});

const textOf = ({ settlement: { correspondent, message } }: Settling) => ({
  ...chatFields(correspondent),
  ...messageDocument(message),
});

const placeName = (key: CorrespondentKey, id: number): string => `${chatName(key)}/${id}`;

type LiveJobs = ReadonlyMap<Guid, FoundJob>;

const isCurrent = ({ claim }: Settling, jobs: LiveJobs): boolean =>
  claim === null || jobs.get(claim.guid)?.claim_token === claim.claimToken;

/** What was read is what is deleted, or the transaction conflicts. */
async function endJobs(
  { collections: { jobs }, session }: OwnerTransaction,
  items: readonly Settling[],
  live: LiveJobs,
): Promise<void> {
  const ended = items.flatMap((settling) => {
    const job = live.get(settling.settlement.guid);
    return job === undefined ? [] : [{ settling, job }];
  });
  for (const collection of LIVE) {
    const guids = ended.filter(({ job }) => job.collection === collection).map(({ job }) => job.guid);
    if (guids.length > 0) await jobs[collection].deleteMany({ guid: { $in: guids } }, { session });
  }
  const letters = ended.flatMap(({ settling: { settlement, claim, endedAt }, job }) => {
    const { error } = settlement;
    if (error === null) return [];
    const { collection: _, ...document } = job;
    return [failedJob(claim === null ? document : completed(document, claim), error, endedAt)];
  });
  if (letters.length > 0) await jobs.failed.insertMany(letters, { session });
}

const completed = (
  job: JobDocument,
  { words, completedAt }: NonNullable<Settling['claim']>,
): JobDocument => ({
  ...job,
  result: words,
  attempts: job.attempts + 1,
  completed_at: completedAt,
});
