import { Collection } from 'mongodb';
import { Ownership } from '../../../src/store/mongo/ownership.ts';
import { type Failpoints, surround } from './failpoints.ts';

/** Puts failpoints around what a process does to the lease that makes it a store's owner. */
export function surroundOwnership(failpoints: Failpoints): void {
  surround(Ownership, 'take', 'lease take', failpoints);
  surround(Ownership.prototype, 'release', 'lease release', failpoints);
  surround(Collection.prototype, 'updateOne', 'lease renewal', failpoints, isRenewal);
}

/** The one update of the owner's record by a pipeline: the server's clock says until when. */
const isRenewal = (filter: unknown, update: unknown): boolean =>
  typeof filter === 'object' &&
  filter !== null &&
  Reflect.get(filter, '_id') === 'owner' &&
  Array.isArray(update);
