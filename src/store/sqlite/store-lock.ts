import { existsSync, realpathSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { DragomanError } from '../../base/errors.ts';
import { SQLITE, sqliteCode } from './sqlite-errors.ts';

/** One owner per store file, for as long as its process lives. */
export interface StoreLock {
  release(): void;
}

/**
 * Locks `<file>.lock`, an empty SQLite database held by an open exclusive transaction. The operating system drops the
 * lock with the process, kill -9 included, so that it is never stale.
 * Throws `already_in_use`.
 */
export function lockStore(file: string): StoreLock {
  const lockFile = `${existsSync(file) ? realpathSync(file) : file}.lock`;
  const holder = new DatabaseSync(lockFile, { timeout: 0 });
  try {
    holder.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    holder.close();
    if (sqliteCode(cause) !== SQLITE.busy) throw cause;
    throw new DragomanError(
      'already_in_use',
      `${file} is in use by another Dragoman: stop that one, or give this one another data folder`,
      { cause },
    );
  }
  return { release: () => holder.close() };
}
