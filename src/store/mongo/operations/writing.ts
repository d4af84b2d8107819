import type { AnyBulkWriteOperation, Filter, UpdateFilter } from 'mongodb';
import { DragomanError } from '../../../base/errors.ts';
import type { CorrespondentKey } from '../../../jobs/job.ts';
import { noChat, ownedByNewer } from '../../refusals.ts';
import type { CorrespondentDocument, MetaDocument } from '../collections.ts';
import { chatFields } from '../../documents.ts';
import type { OwnerTransaction, Transaction, WorkTransaction } from '../transactions.ts';

/**
 * What lets a transaction write. An owner's writes that it is the owner, on the chat's document or on the store's: that it is
 * written, whatever is there already, lets no transaction of a former owner commit beside this one. A worker's writes under
 * claim tokens, which are nobody else's, and no chat.
 */

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the same object: only its type was kept from writing
const asOwner = (transaction: Transaction): OwnerTransaction => transaction as OwnerTransaction;

export interface OwnedChat {
  /** The chat's document as it was. */
  readonly chat: CorrespondentDocument;
  readonly owned: OwnerTransaction;
}

/**
 * Writes this owner's fence and `change` on the chat's document.
 * Throws `fenced` when a newer owner has been there (S2), `not_found` for a chat that was never resolved.
 */
export async function ownedChat(
  transaction: Transaction,
  key: CorrespondentKey,
  change: UpdateFilter<CorrespondentDocument> = {},
): Promise<OwnedChat> {
  const { fence, session } = transaction;
  const owned = asOwner(transaction);
  const { correspondents } = owned.collections;
  const mine: Filter<CorrespondentDocument> = { ...chatFields(key), fence: { $lte: fence } };
  const { $inc = {}, ...others } = change;
  const update = { ...others, $set: { fence }, $inc: { ...$inc, revision: 1 } };
  const chat = await correspondents.findOneAndUpdate(mine, update, { session, returnDocument: 'before' });
  if (chat !== null) return { chat, owned };
  const newer = await correspondents.findOne(chatFields(key), { session });
  throw newer === null ? noChat(key) : ownedByNewer(key, newer.fence, fence);
}

export interface ChatChange {
  readonly chat: CorrespondentDocument;
  readonly change:
    | { readonly $max: { readonly next_id: number } }
    | { readonly $inc: { readonly next_ingest_seq: number } }
    | Readonly<Record<string, never>>;
}

/** S2: the same for chats that were read. What was read is what is written over, or the transaction conflicts. */
export async function ownedChats(
  transaction: Transaction,
  changes: readonly ChatChange[],
): Promise<OwnerTransaction> {
  const { fence, session } = transaction;
  const owned = asOwner(transaction);
  const { matchedCount } = await owned.collections.correspondents.bulkWrite(
    changes.map(({ chat: { _id }, change }): AnyBulkWriteOperation<CorrespondentDocument> => {
      const $inc = { ...('$inc' in change ? change.$inc : {}), revision: 1 };
      return {
        updateOne: {
          filter: { _id, fence: { $lte: fence } },
          update: { ...change, $set: { fence }, $inc },
        },
      };
    }),
    { session },
  );
  if (matchedCount === changes.length) return owned;
  throw new DragomanError(
    'invariant_broken',
    `expected ${changes.length} chats that were just read, got ${matchedCount}`,
  );
}

/** Makes a chat, whose document says whose it is. `stored`: the store's fence, as it was read. */
export async function ownNewChat(
  transaction: Transaction,
  chat: CorrespondentDocument,
  stored: MetaDocument | undefined,
): Promise<void> {
  const { fence, session } = transaction;
  if (stored !== undefined && stored.value > fence) throw storeOwnedByNewer(stored, fence);
  await asOwner(transaction).collections.correspondents.insertOne(chat, { session });
}

/**
 * For what touches no chat, or many. Throws `fenced` when there is a newer owner. Such transactions would only meet in that
 * one document: they take turns in the lane STORE.
 */
export async function ownedStore(transaction: Transaction): Promise<OwnerTransaction> {
  const { fence, session } = transaction;
  const owned = asOwner(transaction);
  const { meta } = owned.collections;
  const mine = { _id: 'fence', value: fence } as const;
  const { matchedCount } = await meta.updateOne(mine, { $inc: { revision: 1 } }, { session });
  if (matchedCount > 0) return owned;
  throw storeOwnedByNewer(await meta.findOne({ _id: 'fence' }, { session }), fence);
}

const storeOwnedByNewer = (newer: MetaDocument | null, fence: number): DragomanError =>
  new DragomanError('fenced', `the store belongs to owner ${newer?.value}, this is owner ${fence}`);

/** For what is written under claim tokens, and what gives back jobs whose worker is gone: no owner is needed for it. */
export const byClaims = (transaction: Transaction): WorkTransaction => asOwner(transaction);
