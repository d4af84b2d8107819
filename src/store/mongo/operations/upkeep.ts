import type { Filter } from 'mongodb';
import type { Guid } from '../../../base/ids.ts';
import {
  type CorrespondentKey,
  JOB_COLLECTIONS,
  type JobCollection,
  type JobError,
} from '../../../jobs/job.ts';
import { type JobDocument, chatFields, chatKey } from '../../documents.ts';
import type { ForgottenChat } from '../../chat-store.ts';
import type { IdleJob, JobTrace } from '../../job-store.ts';
import type { MessageIdDocument, ReadableCollections } from '../collections.ts';
import { LIVE } from '../job-document.ts';
import type { OwnerTransaction, Transaction } from '../transactions.ts';
import { ofChat } from './chats.ts';
import { ownedChat, ownedStore } from './writing.ts';

/** What keeps the store from growing for ever, and what forgets a chat. Long deletions are steps, as moves are. */

export async function expireJob(
  transaction: Transaction,
  { guid, changedAt }: IdleJob,
  error: JobError,
  now: number,
): Promise<{ readonly job: JobDocument; readonly collection: JobCollection } | null> {
  const { collections, session } = await ownedStore(transaction);
  for (const collection of LIVE) {
    const job = await collections.jobs[collection].findOneAndUpdate(
      // Not equal: what others wrote while this host slept is told to be later than it was.
      { guid, changed_at: { $lte: changedAt }, status: { $in: ['downloading', 'pending', 'waiting'] } },
      { $set: { status: 'completed', error, available_at: null, changed_at: now } },
      { session, returnDocument: 'after' },
    );
    if (job !== null) return { job, collection };
  }
  return null;
}

/** In one snapshot: no job slips past while it is moved. */
export async function jobsAmong(
  { collections: { jobs }, session }: Transaction,
  guids: readonly Guid[],
): Promise<JobTrace[]> {
  const traces: JobTrace[] = [];
  for (const collection of JOB_COLLECTIONS) {
    const found = await jobs[collection]
      .find({ guid: { $in: guids } }, { session, projection: { guid: 1, status: 1, changed_at: 1 } })
      .toArray();
    for (const { guid, status, changed_at: changedAt } of found) {
      traces.push({ guid, collection, status, changedAt });
    }
  }
  return traces;
}

export async function chatsAfter(
  { correspondents }: ReadableCollections,
  botId: string,
  afterChat: number,
  atMost: number,
): Promise<{ readonly chat: number; readonly key: CorrespondentKey }[]> {
  const found = await correspondents
    .find({ bot_id: botId, _id: { $gt: afterChat } }, { sort: { _id: 1 }, limit: atMost })
    .toArray();
  return found.map((chat) => {
    const { _id } = chat;
    return { chat: _id, key: chatKey(chat) };
  });
}

/** Up to which `ingest_seq` a chat's history is of before a time, within its oldest `atMost` entries; null: none of it. */
export async function endOfHistoryBefore(
  { history }: ReadableCollections,
  key: CorrespondentKey,
  before: number,
  atMost: number,
): Promise<number | null> {
  const oldest = await history
    .find(chatFields(key), {
      sort: { ingest_seq: 1 },
      limit: atMost,
      projection: { ingest_seq: 1, ingested_at: 1 },
    })
    .toArray();
  const firstToStay = oldest.findIndex(({ ingested_at: at }) => at >= before);
  const last = oldest.at(firstToStay < 0 ? -1 : firstToStay - 1);
  return firstToStay === 0 || last === undefined ? null : last.ingest_seq;
}

/** Returns how many went. */
export async function pruneHistory(
  transaction: Transaction,
  key: CorrespondentKey,
  upToSeq: number,
): Promise<number> {
  const { owned } = await ownedChat(transaction, key);
  const { deletedCount } = await owned.collections.history.deleteMany(
    { ...chatFields(key), ingest_seq: { $lte: upToSeq } },
    { session: owned.session },
  );
  return deletedCount;
}

/** Forgets duplicate keys first seen before then, as many as `forgetSome` does. */
export async function pruneMessageIds(
  transaction: Transaction,
  before: number,
  atMost: number,
): Promise<number> {
  return forgetSome(await ownedStore(transaction), { first_seen_at: { $lt: before } }, atMost);
}

/** Forgets duplicate keys of a chat, as many as `forgetSome` does. */
export async function forgetMessageIds(
  transaction: Transaction,
  key: CorrespondentKey,
  atMost: number,
): Promise<number> {
  const {
    chat: { _id: own },
    owned,
  } = await ownedChat(transaction, key);
  return forgetSome(owned, ofChat(own), atMost);
}

/** Forgets at most `atMost` duplicate keys, so that writers wait for none that is long. Returns how many went. */
async function forgetSome(
  { collections: { messageIds }, session }: OwnerTransaction,
  filter: Filter<MessageIdDocument>,
  atMost: number,
): Promise<number> {
  const found = await messageIds
    .find(filter, { session, projection: { _id: 1 }, limit: atMost, batchSize: atMost })
    .toArray();
  if (found.length === 0) return 0;
  const some = { _id: { $in: found.map(({ _id }) => _id) } };
  const { deletedCount } = await messageIds.deleteMany(some, { session });
  return deletedCount;
}

/** Of a chat whose history and duplicate keys are gone already: all the rest. */
export async function forgetChat(transaction: Transaction, key: CorrespondentKey): Promise<ForgottenChat> {
  const { chat, owned } = await ownedChat(transaction, key);
  const { collections, session } = owned;
  const { _id: own, next_id, next_ingest_seq } = chat;
  const media: ForgottenChat['media'][number][] = [];
  for (const collection of JOB_COLLECTIONS) {
    const jobs = await collections.jobs[collection]
      .find({ ...chatFields(key) }, { session, projection: { guid: 1, media_metadata: 1 } })
      .toArray();
    for (const job of jobs) media.push({ guid: job.guid, gatewayId: job.media_metadata.gateway_id });
    if (jobs.length > 0) await collections.jobs[collection].deleteMany(chatFields(key), { session });
  }
  const { deletedCount: messages } = await collections.journal.deleteMany(chatFields(key), { session });
  await collections.messageIds.deleteMany(ofChat(own), { session });
  await collections.correspondents.deleteOne({ _id: own }, { session });
  for (const [_id, value] of [
    ['first_id', next_id],
    ['first_ingest_seq', next_ingest_seq],
  ] as const) {
    await collections.meta.updateOne({ _id }, { $max: { value } }, { session, upsert: true });
  }
  return { messages, media };
}
