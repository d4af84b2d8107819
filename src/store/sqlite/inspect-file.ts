import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { describeError, hasCode } from '../../base/errors.ts';
import { SQLITE, sqliteCode } from '../../base/sqlite-codes.ts';
import { APPLICATION_ID, MIGRATIONS } from './schema.ts';
import { lockStore } from './store-lock.ts';
import { COPY_MARK_TABLE } from './unfinished-copy.ts';

/** What a store file is, found out without changing it. */
export type FileState =
  | { readonly kind: 'missing' }
  | { readonly kind: 'foreign'; readonly reason: string }
  /** What it is cannot be told: its folder or disk does not let it be read. */
  | { readonly kind: 'unreadable'; readonly reason: string }
  | {
      readonly kind: 'store';
      /** By a running Dragoman. */
      readonly inUse: boolean;
      readonly schema: number;
      readonly newestSchema: number;
      readonly unfinishedCopy: boolean;
    };

export function inspectFile(file: string): FileState {
  if (!existsSync(file)) return { kind: 'missing' };
  try {
    const database = new DatabaseSync(file, { readOnly: true, timeout: 1_000 });
    try {
      const mark = database.prepare('PRAGMA application_id').get()?.['application_id'];
      if (mark !== APPLICATION_ID) return { kind: 'foreign', reason: 'it is a database of another program' };
      const meta = database.prepare(`SELECT value FROM meta WHERE key = 'schema_version'`).get();
      const copy = database.prepare('SELECT 1 FROM sqlite_schema WHERE name = ?').get(COPY_MARK_TABLE);
      return {
        kind: 'store',
        inUse: isLocked(file),
        schema: Number(meta?.['value'] ?? 0),
        newestSchema: MIGRATIONS.length,
        unfinishedCopy: copy !== undefined,
      };
    } finally {
      database.close();
    }
  } catch (error) {
    const code = sqliteCode(error);
    const isForeign = code === SQLITE.corrupt || code === SQLITE.notADatabase;
    return { kind: isForeign ? 'foreign' : 'unreadable', reason: describeError(error) };
  }
}

function isLocked(file: string): boolean {
  try {
    lockStore(file).release();
    return false;
  } catch (error) {
    if (hasCode(error, 'already_in_use')) return true;
    throw error;
  }
}
