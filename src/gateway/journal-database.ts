import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { describeError, DragomanError } from '../base/errors.ts';
import { makePrivateFile } from '../base/private-file.ts';
import { SQLITE, sqliteCode } from '../base/sqlite-codes.ts';
import type { JournalRow } from './journal-row.ts';
import { JOURNAL_VERSIONS } from './journal-schema.ts';

/**
 * The journal's SQLite file.
 *   B1 What a transaction wrote is synced when it returns, or none of it is there when it throws.
 *   B2 One process at a time has the file open; the lock goes with the process, however that ends.
 *   B3 When the disk has failed, at a write or a read, the file is opened afresh: the page cache of the old handle may lie.
 * Where the file refuses, its methods throw `disk_full`, or `store_unavailable` for any other reason.
 */
export class JournalDatabase {
  readonly #file: string;
  /** Null after the disk failed, until the next use opens the file afresh. */
  #db: DatabaseSync | null;
  #closed = false;
  readonly #statements = new Map<string, StatementSync>();

  /** Throws `already_in_use`, `folder_unusable`, `store_corrupt` or `store_newer`. */
  constructor(file: string) {
    this.#file = file;
    this.#db = openFile(file);
  }

  /** Runs a statement; returns how many rows it changed. */
  run(sql: string, ...values: SQLInputValue[]): number {
    return this.#attempt(() => Number(this.#prepared(sql).run(...values).changes));
  }

  get(sql: string, ...values: SQLInputValue[]): JournalRow | undefined {
    return this.#attempt(() => this.#prepared(sql).get(...values));
  }

  all(sql: string, ...values: SQLInputValue[]): readonly JournalRow[] {
    return this.#attempt(() => this.#prepared(sql).all(...values));
  }

  /** Not to be nested. Whatever `work` throws passes through. */
  transaction<T>(work: () => T): T {
    return this.#attempt(() => {
      this.#opened().exec('BEGIN IMMEDIATE');
      const result = work();
      this.#opened().exec('COMMIT');
      return result;
    });
  }

  /** Any later use throws `store_unavailable`. */
  close(): void {
    this.#closed = true;
    this.#letGo();
  }

  #opened(): DatabaseSync {
    if (this.#closed) throw new DragomanError('store_unavailable', 'the journal is closed');
    this.#db ??= openFile(this.#file);
    return this.#db;
  }

  #letGo(): void {
    this.#statements.clear();
    this.#db?.close();
    this.#db = null;
  }

  #prepared(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#opened().prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  /** A statement that fails inside a transaction ends that: its COMMIT would fail. */
  #attempt<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      this.#abandon(error);
      throw sqliteCode(error) === null ? error : failure(error);
    }
  }

  #abandon(error: unknown): void {
    if (sqliteCode(error) === SQLITE.ioError) this.#letGo();
    else if (this.#db?.isTransaction === true) this.#db.exec('ROLLBACK');
  }
}

const failure = (error: unknown): DragomanError =>
  new DragomanError(
    sqliteCode(error) === SQLITE.full ? 'disk_full' : 'store_unavailable',
    `the gateway's journal failed: ${describeError(error)}`,
    { cause: error },
  );

function openFile(file: string): DatabaseSync {
  makePrivateFile(file);
  try {
    const db = new DatabaseSync(file, { timeout: 0 });
    try {
      db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
      migrate(db, file);
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  } catch (error) {
    throw openingFailure(error, file);
  }
}

function migrate(db: DatabaseSync, file: string): void {
  db.exec('BEGIN EXCLUSIVE');
  const version = Number(db.prepare('PRAGMA user_version').get()?.['user_version']);
  if (version > JOURNAL_VERSIONS.length) {
    throw new DragomanError(
      'store_newer',
      `${file} was written by a newer Dragoman; start that one, or a later one`,
    );
  }
  for (const change of JOURNAL_VERSIONS.slice(version)) db.exec(change);
  db.exec(`PRAGMA user_version = ${JOURNAL_VERSIONS.length}`);
  db.exec('COMMIT');
}

function openingFailure(error: unknown, file: string): unknown {
  const because = `: ${describeError(error)}`;
  const cause = { cause: error };
  switch (sqliteCode(error)) {
    case SQLITE.busy:
      return new DragomanError('already_in_use', `another gateway has ${file} open; stop it first`, cause);
    case SQLITE.corrupt:
    case SQLITE.notADatabase:
      return new DragomanError('store_corrupt', `${file} is damaged${because}`, cause);
    case SQLITE.cantOpen:
      return new DragomanError('folder_unusable', `cannot open ${file} for writing${because}`, cause);
    case null:
    default:
      return error;
  }
}
