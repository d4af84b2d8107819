import { dirname } from 'node:path';
import { describeError, DragomanError } from '../../base/errors.ts';
import type { FileLock } from '../../base/file-lock.ts';
import { makeFolder } from '../../base/make-folder.ts';
import { makePrivateFile } from '../../base/private-file.ts';
import { SQLITE, sqliteCode } from '../../base/sqlite-codes.ts';
import { Connection } from './connection.ts';
import { APPLICATION_ID, META_TABLE, MIGRATIONS } from './schema.ts';
import { groupFailure } from './sqlite-errors.ts';
import { lockStore } from './store-lock.ts';
import { refuseUnfinishedCopy } from './unfinished-copy.ts';

/** A store file that is ours: locked, at this program's schema. */
export interface PreparedFile {
  readonly lock: FileLock;
  /** With purpose `own`, one that no owner had before; otherwise the newest owner's. */
  readonly fence: number;
}

/** `own`: as its newest owner. `read`: to copy it elsewhere. `copy`: to copy another store into it. */
export type Purpose = 'own' | 'read' | 'copy';

/**
 * Takes a store file into use, making the folder and the file where there is none.
 * Throws `already_in_use`, `folder_unusable`, `store_corrupt` (the file is left as it is) or `store_newer`.
 */
export function prepareFile(file: string, now: number, purpose: Purpose = 'own'): PreparedFile {
  makeFolderOf(file);
  try {
    const lock = lockStore(file);
    try {
      return { lock, fence: prepare(file, now, purpose) };
    } catch (error) {
      lock.release();
      throw error;
    }
  } catch (error) {
    throw openingFailure(file, error);
  }
}

function makeFolderOf(file: string): void {
  const folder = dirname(file);
  try {
    makeFolder(folder);
  } catch (cause) {
    throw new DragomanError('folder_unusable', unusable(folder, cause), { cause });
  }
}

function prepare(file: string, now: number, purpose: Purpose): number {
  makePrivateFile(file);
  const connection = Connection.forWriting(file);
  try {
    connection.exec('BEGIN IMMEDIATE');
    migrate(connection, file);
    if (purpose !== 'copy') refuseUnfinishedCopy(connection, file);
    if (purpose === 'own') countFromNow(connection, now);
    const meta = connection.one<{ value: number }>(
      `INSERT INTO meta VALUES ('fence', ?1) ON CONFLICT (key) DO UPDATE SET value = value + ?1 RETURNING value`,
      purpose === 'own' ? 1 : 0,
    );
    connection.exec('COMMIT');
    return meta.value;
  } finally {
    connection.close();
  }
}

function migrate(connection: Connection, file: string): void {
  let version = schemaVersion(connection, file);
  if (version > MIGRATIONS.length) {
    throw new DragomanError(
      'store_newer',
      `${file} was written by a newer Dragoman (schema ${version}, this one knows ${MIGRATIONS.length}): ` +
        `update Dragoman, or restore the backup made before the update`,
    );
  }
  for (; version < MIGRATIONS.length; version += 1) connection.exec(MIGRATIONS[version] ?? '');
  connection.run(`INSERT OR REPLACE INTO meta VALUES ('schema_version', ?)`, version);
}

/**
 * A job that was last changed in the future is one of before the host's clock was set back: what is left of its lease or
 * back-off counts from now, or nobody would touch it until the clock is there again.
 */
function countFromNow(connection: Connection, now: number): void {
  connection.run(
    `UPDATE jobs SET lease_expires_at = lease_expires_at - changed_at + ?1, changed_at = ?1
     WHERE status = 'processing' AND changed_at > ?1`,
    now,
  );
  connection.run(
    `UPDATE jobs SET available_at = available_at - changed_at + ?1, changed_at = ?1
     WHERE status = 'waiting' AND changed_at > ?1`,
    now,
  );
}

/** 0 for an empty file, which is then marked as ours. */
function schemaVersion(connection: Connection, file: string): number {
  const mark = connection.get<{ application_id: number }>('PRAGMA application_id');
  if (mark?.application_id === APPLICATION_ID) {
    const meta = connection.get<{ value: number }>(`SELECT value FROM meta WHERE key = 'schema_version'`);
    return meta?.value ?? 0;
  }
  const tables = connection.get<{ count: number }>('SELECT count(*) AS count FROM sqlite_schema');
  if (tables !== undefined && tables.count > 0) {
    throw new DragomanError('store_corrupt', `${file} ${notOurs('it is a database of another program')}`);
  }
  connection.exec(`PRAGMA application_id = ${APPLICATION_ID}; ${META_TABLE}`);
  return 0;
}

function openingFailure(file: string, cause: unknown): DragomanError {
  switch (sqliteCode(cause)) {
    case SQLITE.corrupt:
    case SQLITE.notADatabase:
      return new DragomanError('store_corrupt', `${file} ${notOurs(describeError(cause))}`, { cause });
    case SQLITE.cantOpen:
    case SQLITE.readonly:
    case SQLITE.full:
      return new DragomanError('folder_unusable', unusable(dirname(file), cause), { cause });
    case SQLITE.busy:
      return new DragomanError(
        'already_in_use',
        `${file} is locked by another program (a backup, a database browser): close it and start again`,
        { cause },
      );
    case null:
    default:
      return groupFailure(file, cause);
  }
}

const notOurs = (detail: string): string =>
  `is damaged or not a store of Dragoman (${detail}). It was left as it is: ` +
  `put a backup in its place, or move it away to start empty`;

const unusable = (folder: string, cause: unknown): string =>
  `cannot write in ${folder} (${describeError(cause)}): ` +
  `make it a folder that this user may write, with space left, or choose another data folder`;
