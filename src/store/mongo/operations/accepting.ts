import type { Guid } from '../../../base/ids.ts';
import { JOB_COLLECTIONS } from '../../../jobs/job.ts';
import { chatName } from '../../chat-name.ts';
import { messageDocument, chatFields, jobDocument } from '../../documents.ts';
import { claimablePool, type UnplacedJob } from '../../job-records.ts';
import type { AcceptOutcome } from '../../message-store.ts';
import type { Coalescible } from '../coalescing.ts';
import type { CorrespondentDocument, MessageIdDocument } from '../collections.ts';
import type { OwnerTransaction, Transaction } from '../transactions.ts';
import { ALONE, chatsByName, deleteReadyOf, done } from './chats-together.ts';
import { ownedChats } from './writing.ts';
import { NO_ROUND } from './jobs.ts';
import { accept, type Accepting, messageIdOf } from './messages.ts';
import { takeRounds } from './turns.ts';

export const ACCEPTING_TEXTS: Coalescible<Accepting, AcceptOutcome> = {
  alone: (accepting) => (transaction) => accept(transaction, accepting),

  async together(transaction, items) {
    const news = await newsOf(transaction, await inOrder(transaction, items));
    if (news.length === 0) return items.map(() => ALONE);
    await write(transaction, news);
    const accepted = new Set(news.map(({ item }) => item));
    return items.map((item) => (accepted.has(item) ? done({ kind: 'accepted' }) : ALONE));
  },
};

export const ACCEPTING_MEDIA: Coalescible<Accepting, AcceptOutcome> = {
  ...ACCEPTING_TEXTS,

  poolsOf({ job }) {
    const pool = job && claimablePool(job);
    return pool === null ? [] : [pool];
  },
};

const keyOf = ({ _id }: MessageIdDocument): MessageIdDocument['_id'] => _id;

/** An acceptance whose chat is there, and has not given its place away. */
interface Placed {
  readonly item: Accepting;
  readonly chat: CorrespondentDocument;
  readonly messageId: MessageIdDocument | null;
}

async function inOrder(transaction: Transaction, items: readonly Accepting[]): Promise<readonly Placed[]> {
  const chats = await chatsByName(
    transaction,
    items.map(({ acceptance }) => acceptance.correspondent),
  );
  return items.flatMap((item) => {
    const { correspondent, message } = item.acceptance;
    const chat = chats.get(chatName(correspondent));
    if (chat?.aliases === undefined || message.id < chat.next_id) return [];
    const { _id: chatId } = chat;
    return [{ item, chat, messageId: messageIdOf(chatId, message) }];
  });
}

/** Those of chats without any duplicate among them, with media that have no job yet: the others would undo it all. */
async function newsOf(transaction: Transaction, placed: readonly Placed[]): Promise<readonly Placed[]> {
  const chats = await chatsWithDuplicate(
    transaction,
    placed.flatMap(({ messageId }) => messageId ?? []),
  );
  const taken = await takenGuids(
    transaction,
    placed.flatMap(({ item: { job } }) => job?.guid ?? []),
  );
  return placed.filter(
    ({ item: { job }, chat: { _id } }) => !chats.has(_id) && (job === null || !taken.has(job.guid)),
  );
}

async function chatsWithDuplicate(
  { collections: { messageIds }, session }: Transaction,
  mine: readonly MessageIdDocument[],
): Promise<ReadonlySet<number>> {
  const known = await messageIds.find({ _id: { $in: mine.map(keyOf) } }, { session }).toArray();
  return new Set(known.map((messageId) => keyOf(messageId).chat));
}

async function write(transaction: Transaction, news: readonly Placed[]): Promise<void> {
  const { session } = transaction;
  const owned = await ownedChats(
    transaction,
    news.map(({ item, chat }) => ({
      chat,
      change: { $max: { next_id: item.acceptance.message.id + 1 } },
    })),
  );
  const messageIds = news.flatMap(({ messageId }) => messageId ?? []);
  if (messageIds.length > 0) await owned.collections.messageIds.insertMany(messageIds, { session });
  await owned.collections.journal.insertMany(
    news.map(({ item: { acceptance } }) => ({
      ...chatFields(acceptance.correspondent),
      ...messageDocument(acceptance.message),
    })),
    { session },
  );
  await deleteReadyOf(
    owned,
    news.map(({ item: { acceptance } }) => ({
      key: acceptance.correspondent,
      ids: acceptance.evictedIds,
    })),
  );
  await insertJobs(
    owned,
    news.flatMap(({ item: { job, seq } }) => (job === null ? [] : [{ job, seq }])),
  );
}

/** S4: those that have a job anywhere. */
async function takenGuids(
  { collections: { jobs }, session }: Transaction,
  guids: readonly Guid[],
): Promise<ReadonlySet<Guid>> {
  const taken = new Set<Guid>();
  if (guids.length === 0) return taken;
  for (const collection of JOB_COLLECTIONS) {
    const found = jobs[collection].find({ guid: { $in: guids } }, { session, projection: { guid: 1 } });
    for (const { guid } of await found.toArray()) taken.add(guid);
  }
  return taken;
}

async function insertJobs(
  transaction: OwnerTransaction,
  placed: readonly { readonly job: UnplacedJob; readonly seq: number }[],
): Promise<void> {
  const { collections, session } = transaction;
  const contenders = placed.flatMap(({ job }) => {
    const pool = claimablePool(job);
    return pool === null ? [] : [{ job, pool, ...job.correspondent }];
  });
  const rounds = await takeRounds(transaction, contenders);
  const roundOf = new Map(contenders.map(({ job }, index) => [job, rounds[index]]));
  for (const [collection, jobs] of Map.groupBy(placed, ({ job }) => job.collection)) {
    const documents = jobs.map(({ job, seq }) => jobDocument(job, roundOf.get(job) ?? NO_ROUND, seq));
    await collections.jobs[collection].insertMany(documents, { session });
  }
}
