import { DatabaseSync } from 'node:sqlite';
import { SQLITE, sqliteCode } from './sqlite-codes.ts';

/** Held until it is released, or its process ends. */
export interface FileLock {
  release(): void;
}

/**
 * Locks `file`, an empty SQLite database of its own, by an exclusive transaction that stays open: Node has no file locks.
 * The kernel drops it with the process, kill -9 included, so that it is never stale, and it works between containers that
 * share a volume. Null: another process holds it. Throws the error of node:sqlite when the file cannot be used.
 */
export function lockFile(file: string): FileLock | null {
  const holder = new DatabaseSync(file, { timeout: 0 });
  try {
    holder.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    holder.close();
    if (sqliteCode(error) === SQLITE.busy) return null;
    throw error;
  }
  return { release: () => holder.close() };
}
