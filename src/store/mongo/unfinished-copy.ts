import type { Db } from 'mongodb';
import { DragomanError } from '../../base/errors.ts';

/** There from a copy's first record to its last, see src/store/transfer/copy-store.ts. */
export const COPY_MARK_COLLECTION = 'unfinished_copy';

/** A store that holds half of another one is nobody's. */
export async function refuseUnfinishedCopy(database: Db): Promise<void> {
  if ((await database.collection(COPY_MARK_COLLECTION).findOne()) === null) return;
  throw new DragomanError(
    'already_in_use',
    `the database ${database.databaseName} holds an unfinished copy of another store: ` +
      'run the same dragoman store migrate again, or drop it',
  );
}
