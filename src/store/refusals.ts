import { DragomanError } from '../base/errors.ts';
import type { Guid } from '../base/ids.ts';
import type { CorrespondentKey } from '../jobs/job.ts';
import { chatName } from './chat-name.ts';

/** What every adapter refuses a write with. */

/** A chat that was never resolved, or was forgotten. */
export const noChat = (key: CorrespondentKey): DragomanError =>
  new DragomanError('not_found', `no chat ${chatName(key)}`);

/** S2: `owner` is a newer one than `fence`, this one. */
export const ownedByNewer = (key: CorrespondentKey, owner: number, fence: number): DragomanError =>
  new DragomanError('fenced', `${chatName(key)} belongs to owner ${owner}, this is owner ${fence}`);

/** Throws `invariant_broken` for a message whose place was given before. */
export function expectNextId(key: CorrespondentKey, nextId: number, id: number): void {
  if (id >= nextId) return;
  throw new DragomanError(
    'invariant_broken',
    `expected ${chatName(key)} to go on from id ${nextId}, got ${id}: its owner's memory is out of date`,
  );
}

/** S4: a GUID has one job at most. */
export const guidTaken = (guid: Guid): DragomanError =>
  new DragomanError('invariant_broken', `expected a new GUID, got that of job ${guid}`);

export const storeClosed = (): DragomanError =>
  new DragomanError('store_unavailable', 'expected an open store, got a closed one');
