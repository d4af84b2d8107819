import type { CorrespondentKey } from '../../../jobs/job.ts';
import { chatName } from '../../chat-name.ts';
import { messageDocument } from '../../documents.ts';
import type { Settlement } from '../../message-store.ts';
import type { Coalescible } from '../coalescing.ts';
import { chatFields, chatKey } from '../collections.ts';
import { LIVE } from '../job-document.ts';
import type { OwnerTransaction } from '../transactions.ts';
import { ALONE, chatsByName, deleteReadyOf, done } from './chats-together.ts';
import { deadLetter } from './jobs.ts';
import { settle, type Settling } from './messages.ts';
import { ownedChats } from './writing.ts';

/** One whose placeholder is gone is left to be done alone. */
export const SETTLING: Coalescible<Settling, 'settled' | 'gone'> = {
  alone: (settlement) => (transaction) => settle(transaction, settlement),

  async together(transaction, items) {
    const { collections, session } = transaction;
    const chats = await chatsByName(
      transaction,
      items.map(({ correspondent }) => correspondent),
    );
    const entries = await collections.journal
      .find({ $or: items.map(placeholderOf) }, { session, projection: { _id: 0 } })
      .toArray();
    const places = new Set(entries.map((entry) => placeName(chatKey(entry), entry.id)));
    const present = items.flatMap((settlement) => {
      const { correspondent, message } = settlement;
      const chat = chats.get(chatName(correspondent));
      return chat === undefined || !places.has(placeName(correspondent, message.id))
        ? []
        : [{ settlement, chat }];
    });
    if (present.length === 0) return items.map(() => ALONE);

    const owned = await ownedChats(
      transaction,
      present.map(({ chat }) => ({ chat, change: {} })),
    );
    const settlements = present.map(({ settlement }) => settlement);
    await endJobs(owned, settlements);
    await owned.collections.journal.bulkWrite(
      settlements.map((settlement) => ({
        replaceOne: {
          filter: placeholderOf(settlement),
          replacement: { ...chatFields(settlement.correspondent), ...messageDocument(settlement.message) },
        },
      })),
      { session },
    );
    await deleteReadyOf(
      owned,
      settlements.map(({ correspondent, evictedIds }) => ({ key: correspondent, ids: evictedIds })),
    );
    const settled = new Set(settlements);
    return items.map((settlement) => (settled.has(settlement) ? done('settled') : ALONE));
  },
};

const placeholderOf = ({ correspondent, guid, message }: Settlement) => ({
  ...chatFields(correspondent),
  id: message.id,
  media_processing_id: guid,
});

const placeName = (key: CorrespondentKey, id: number): string => `${chatName(key)}/${id}`;

async function endJobs(
  { collections: { jobs }, session }: OwnerTransaction,
  settlements: readonly Settling[],
): Promise<void> {
  const guids = settlements.map(({ guid }) => guid);
  const failures = new Map(settlements.map((settlement) => [settlement.guid, settlement]));
  for (const collection of LIVE) {
    const ended = await jobs[collection].find({ guid: { $in: guids } }, { session }).toArray();
    if (ended.length === 0) continue;
    await jobs[collection].deleteMany({ guid: { $in: guids } }, { session });
    const letters = ended.flatMap((job) => {
      const { error, endedAt } = failures.get(job.guid) ?? { error: null, endedAt: 0 };
      return error === null ? [] : [deadLetter(job, error, endedAt)];
    });
    if (letters.length > 0) await jobs.failed.insertMany(letters, { session });
  }
}
