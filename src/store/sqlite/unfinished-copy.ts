import { DragomanError } from '../../base/errors.ts';
import type { Connection } from './connection.ts';

/** There from a copy's first record to its last, see src/store/transfer/copy-store.ts. */
export const COPY_MARK_TABLE = 'unfinished_copy';

/** A store that holds half of another one is nobody's. */
export function refuseUnfinishedCopy(connection: Connection, file: string): void {
  if (connection.get('SELECT 1 FROM sqlite_schema WHERE name = ?', COPY_MARK_TABLE) === undefined) return;
  throw new DragomanError(
    'already_in_use',
    `${file} holds an unfinished copy of another store: run the same dragoman store migrate again, or remove it`,
  );
}
