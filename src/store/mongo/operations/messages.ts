import type { CorrespondentKey } from '../../../jobs/job.ts';
import type { Message, Placeholder } from '../../../queue/message.ts';
import { messageDocument, messageFrom, readyMessageFrom, chatFields } from '../../documents.ts';
import { historyRecord, journalRecord, readRecord } from '../../records.ts';
import type { UnplacedJob } from '../../job-records.ts';
import type { FailedJobProblem, JobRetry } from '../../failed-job-store.ts';
import type {
  Acceptance,
  AcceptOutcome,
  ClaimedSettlement,
  ClaimedSettleOutcome,
  HistoryEntry,
  Settlement,
  StoredMessage,
} from '../../message-store.ts';
import { expectNextId } from '../../refusals.ts';
import {
  type CorrespondentDocument,
  type HistoryDocument,
  type MessageIdDocument,
  READY,
  type ReadableCollections,
} from '../collections.ts';
import type { OwnerTransaction, Transaction } from '../transactions.ts';
import { reopenFailedJob } from './failed-jobs.ts';
import { changeClaimed, completion, endJob, hasLiveJob, insertJob } from './jobs.ts';
import { byClaims, ownedChat } from './writing.ts';

export interface Accepting {
  readonly acceptance: Acceptance;
  readonly job: UnplacedJob | null;
  /** The job's place among all jobs. */
  readonly seq: number;
}

export async function accept(
  transaction: Transaction,
  { acceptance: { correspondent, message, evictedIds }, job, seq }: Accepting,
): Promise<AcceptOutcome> {
  const { chat, owned } = await ownedChat(transaction, correspondent, {
    $max: { next_id: message.id + 1 },
  });
  const { collections, session } = owned;
  const nextId = chat.next_id;
  const firstId = await rememberMessageId(owned, await chatNamed(transaction, chat), message);
  if (firstId !== null) {
    // The place is not taken; that the chat is this owner's stays written.
    await ownedChat(transaction, correspondent, { $min: { next_id: nextId } });
    return { kind: 'duplicate', id: firstId };
  }
  expectNextId(correspondent, nextId, message.id);
  const entry = { ...chatFields(correspondent), ...messageDocument(message) };
  await collections.journal.insertOne(entry, { session });
  await deleteReady(owned, correspondent, evictedIds);
  if (job !== null) await insertJob(owned, job, seq);
  return { kind: 'accepted' };
}

/** The job is there and dead, or nothing of the retry is written. `retriedAt`: by the server's clock. */
export async function retryFailedJob(
  transaction: Transaction,
  retry: JobRetry,
  retriedAt: number,
): Promise<'retried' | FailedJobProblem> {
  const { correspondent, placeholder, evictedIds } = retry;
  // Also what comes to nothing tells a former owner that the chat is not its own any more.
  const { chat, owned } = await ownedChat(transaction, correspondent);
  const { collections, session } = owned;
  const outcome = await reopenFailedJob(owned, retry, retriedAt);
  if (outcome !== 'retried') return outcome;
  expectNextId(correspondent, chat.next_id, placeholder.id);
  await ownedChat(transaction, correspondent, { $max: { next_id: placeholder.id + 1 } });
  const entry = { ...chatFields(correspondent), ...messageDocument(placeholder) };
  await collections.journal.insertOne(entry, { session });
  await deleteReady(owned, correspondent, evictedIds);
  return outcome;
}

/** The chat that the chat's own id names: of a drained one, the older one, where its duplicate keys went. */
async function chatNamed(
  { collections: { correspondents }, session }: Transaction,
  chat: CorrespondentDocument,
): Promise<number> {
  const { _id: own, bot_id, provider_name, correspondent_id, aliases } = chat;
  if (aliases !== undefined) return own;
  const older = await correspondents.findOne(
    { bot_id, provider_name, aliases: correspondent_id },
    { session, projection: { _id: 1 } },
  );
  const { _id: named } = older ?? chat;
  return named;
}

/** The duplicate key of a message; null for one that matches no other. `chat`: its correspondent's `_id`. */
export function messageIdOf(
  chat: number,
  { providerMessageId, sender, direction, id, acceptedTime }: Message,
): MessageIdDocument | null {
  if (providerMessageId === null) return null;
  return {
    _id: {
      chat,
      provider_message_id: providerMessageId,
      sender: sender.identifier,
      from_me: direction === 'outgoing',
    },
    id,
    first_seen_at: acceptedTime,
  };
}

/** Returns the id of the first copy when this one is a duplicate, otherwise null. */
async function rememberMessageId(
  { collections, session }: OwnerTransaction,
  chat: number,
  message: Message,
): Promise<number | null> {
  const messageId = messageIdOf(chat, message);
  if (messageId === null) return null;
  const { _id, ...first } = messageId;
  const earlier = await collections.messageIds.findOneAndUpdate(
    { _id },
    { $setOnInsert: first },
    { session, upsert: true, returnDocument: 'before' },
  );
  return earlier === null ? null : earlier.id;
}

/** Times are the server's. */
export interface Settling {
  readonly settlement: Settlement;
  readonly endedAt: number;
  /** What a worker made of the job, which is completed first. */
  readonly claim: Pick<ClaimedSettlement, 'guid' | 'claimToken' | 'words' | 'completedAt'> | null;
}

export async function settle(
  transaction: Transaction,
  { settlement: { correspondent, guid, message, evictedIds, error }, claim, endedAt }: Settling,
): Promise<ClaimedSettleOutcome> {
  const { owned } = await ownedChat(transaction, correspondent);
  const { collections, session } = owned;
  if (claim !== null) {
    const completed = completion({ words: claim.words, error }, claim.completedAt);
    if ((await changeClaimed(byClaims(transaction), claim, completed)) === null) return 'stale';
  }
  await endJob(owned, guid, error, endedAt);
  const { modifiedCount: settled } = await collections.journal.replaceOne(
    { ...chatFields(correspondent), id: message.id, media_processing_id: guid },
    { ...chatFields(correspondent), ...messageDocument(message) },
    { session },
  );
  if (settled === 0) return 'gone';
  await deleteReady(owned, correspondent, evictedIds);
  return 'settled';
}

/** Moves what the journal holds, so that the history is what was durable. Returns how many messages it moved. */
export async function ingest(
  transaction: Transaction,
  key: CorrespondentKey,
  ids: readonly number[],
  now: number,
): Promise<number> {
  const { collections, session } = transaction;
  const found = await collections.journal
    .find({ ...chatFields(key), id: { $in: ids }, ...READY }, { session, batchSize: ids.length + 1 })
    .toArray();
  const byId = new Map(found.map((entry) => [entry.id, entry]));
  const entries = [...new Set(ids)].flatMap((id) => byId.get(id) ?? []);
  const { chat, owned } = await ownedChat(transaction, key, { $inc: { next_ingest_seq: entries.length } });
  if (entries.length === 0) return 0;
  const { next_ingest_seq: firstSeq } = chat;
  const ingested = entries.map((entry, index) => ({
    ...entry,
    ingest_seq: firstSeq + index,
    ingested_at: now,
  }));
  await owned.collections.history.insertMany(ingested, { session });
  await deleteReady(owned, key, ids);
  return entries.length;
}

/** The chat's next id rises only with what is put back. */
export async function reinstate(
  transaction: Transaction,
  key: CorrespondentKey,
  placeholder: Placeholder,
  evictedIds: readonly number[],
): Promise<'reinstated' | 'gone'> {
  const { id, mediaProcessingId: guid } = placeholder;
  const { chat: document, owned } = await ownedChat(transaction, key);
  const { collections, session } = owned;
  const { _id: own } = document;
  const chat = chatFields(key);
  const queued = { ...chat, $or: [{ id }, { media_processing_id: guid }] };
  if (!(await hasLiveJob(transaction, key, guid))) return 'gone';
  if ((await collections.journal.findOne(queued, { session })) !== null) return 'gone';
  if ((await collections.history.findOne({ ...chat, id }, { session })) !== null) return 'gone';
  await collections.journal.insertOne({ ...chat, ...messageDocument(placeholder) }, { session });
  await collections.correspondents.updateOne({ _id: own }, { $max: { next_id: id + 1 } }, { session });
  await deleteReady(owned, key, evictedIds);
  return 'reinstated';
}

export async function evict(
  transaction: Transaction,
  key: CorrespondentKey,
  ids: readonly number[],
): Promise<void> {
  const { owned } = await ownedChat(transaction, key);
  await deleteReady(owned, key, ids);
}

/** A placeholder is never deleted: its job is alive (S4). */
async function deleteReady(
  { collections, session }: OwnerTransaction,
  key: CorrespondentKey,
  ids: readonly number[],
): Promise<void> {
  if (ids.length === 0) return;
  await collections.journal.deleteMany({ ...chatFields(key), id: { $in: ids }, ...READY }, { session });
}

export async function history(
  { history: entries }: ReadableCollections,
  key: CorrespondentKey,
  afterSeq: number,
  limit: number,
): Promise<HistoryEntry[]> {
  // To MongoDB, a limit of 0 is none.
  if (limit < 1) return [];
  const page = await entries
    .find({ ...chatFields(key), ingest_seq: { $gt: afterSeq } }, { sort: { ingest_seq: 1 }, limit })
    .toArray();
  return page.map((entry) => historyEntryFrom(key, entry));
}

/** The journal first: a message that moves meanwhile is in the history when that is looked at. */
export async function findMessage(
  { journal, history: entries }: ReadableCollections,
  key: CorrespondentKey,
  id: number,
): Promise<StoredMessage | null> {
  const place = { ...chatFields(key), id };
  const queued = await journal.findOne(place);
  if (queued !== null) {
    return { message: readRecord(journalRecord(key, id), () => messageFrom(queued)), ingestedAt: null };
  }
  const entry = await entries.findOne(place);
  if (entry === null) return null;
  const { message, ingestedAt } = historyEntryFrom(key, entry);
  return { message, ingestedAt };
}

const historyEntryFrom = (key: CorrespondentKey, entry: HistoryDocument): HistoryEntry => ({
  ingestSeq: entry.ingest_seq,
  ingestedAt: entry.ingested_at,
  message: readRecord(historyRecord(key, entry.id), () => readyMessageFrom(entry)),
});
