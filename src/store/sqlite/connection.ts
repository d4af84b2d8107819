import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { DragomanError } from '../../base/errors.ts';

/** How long a statement waits for another process's lock, such as a backup's. */
const BUSY_MS = 5_000;
/** The page cache of each connection. */
const CACHE_KIB = 64 * 1024;
/** Pages in the write-ahead log before they are copied into the file: each copy costs two fsyncs in a commit's path. */
const CHECKPOINT_PAGES = 4_000;

/* oxlint-disable typescript/no-unsafe-type-assertion, typescript/no-unnecessary-type-parameters --
   a row has the columns that its statement selects, which only the caller, who wrote the statement, can name */

/** One SQLite handle with its prepared statements. Every error is node:sqlite's own. */
export class Connection {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  private constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** A handle whose commits are on the disk when they return. Makes the file when there is none. */
  static forWriting(file: string): Connection {
    return Connection.#open(
      file,
      `PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`,
    );
  }

  /** A handle that cannot write. */
  static forReading(file: string): Connection {
    return Connection.#open(file, 'PRAGMA query_only = ON');
  }

  static #open(file: string, pragmas: string): Connection {
    const database = new DatabaseSync(file, { timeout: BUSY_MS });
    try {
      database.exec(`${pragmas}; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -${CACHE_KIB}`);
    } catch (error) {
      database.close();
      throw error;
    }
    return new Connection(database);
  }

  /** Runs statements that are not worth keeping prepared. */
  exec(sql: string): void {
    this.#database.exec(sql);
  }

  /** Returns how many rows changed. */
  run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.#prepared(sql).run(...values).changes);
  }

  /** Returns the new row's rowid. To ask for it by RETURNING costs as much again as a small insert. */
  insert(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.#prepared(sql).run(...values).lastInsertRowid);
  }

  /** The first row, in the shape that the statement selects. */
  get<Row>(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#prepared(sql).get(...values) as Row | undefined;
  }

  /** The row of a statement that always has one. */
  one<Row>(sql: string, ...values: SQLInputValue[]): Row {
    const row = this.get<Row>(sql, ...values);
    if (row === undefined) throw new DragomanError('invariant_broken', `expected a row, got none: ${sql}`);
    return row;
  }

  all<Row>(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#prepared(sql).all(...values) as Row[];
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }

  #prepared(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}
