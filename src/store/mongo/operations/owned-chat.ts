import type { Filter, UpdateFilter } from 'mongodb';
import { DragomanError } from '../../../base/errors.ts';
import type { CorrespondentKey } from '../../../jobs/job.ts';
import { chatName } from '../../chat-name.ts';
import { chatFields, type CorrespondentDocument } from '../collections.ts';
import type { Transaction } from '../transactions.ts';

/**
 * The chat's document as it was, with this owner's fence and `change` written on it. That it is written, whatever
 * is there already, lets no transaction of a former owner commit beside this one.
 * Throws `fenced` when a newer owner has been there (S2), `not_found` for a chat that was never resolved.
 */
export async function ownedChat(
  { collections: { correspondents }, session, fence }: Transaction,
  key: CorrespondentKey,
  change: UpdateFilter<CorrespondentDocument> = {},
): Promise<CorrespondentDocument> {
  const mine: Filter<CorrespondentDocument> = { ...chatFields(key), fence: { $lte: fence } };
  const { $inc = {}, ...others } = change;
  const update = { ...others, $set: { fence }, $inc: { ...$inc, revision: 1 } };
  const chat = await correspondents.findOneAndUpdate(mine, update, { session, returnDocument: 'before' });
  if (chat !== null) return chat;
  const newer = await correspondents.findOne(chatFields(key), { session });
  if (newer === null) throw new DragomanError('not_found', `no chat ${chatName(key)}`);
  throw new DragomanError(
    'fenced',
    `${chatName(key)} belongs to owner ${newer.fence}, this is owner ${fence}`,
  );
}

/**
 * Writes on the store's own document that this is its owner, for what touches no chat's. Throws `fenced` when there is
 * a newer one.
 */
export async function ownStore({ collections: { meta }, session, fence }: Transaction): Promise<void> {
  const mine = { _id: 'owner', value: fence } as const;
  const { matchedCount } = await meta.updateOne(mine, { $inc: { revision: 1 } }, { session });
  if (matchedCount > 0) return;
  const newer = await meta.findOne({ _id: 'owner' }, { session });
  throw new DragomanError('fenced', `the store belongs to owner ${newer?.value}, this is owner ${fence}`);
}
