import { type Call, failed, type Operations, perform, type Reply } from './calls.ts';
import { Connection } from './connection.ts';
import type { Session } from './operations/session.ts';
import { breaksHandle, groupFailure } from './sqlite-errors.ts';

/**
 * Carries out everything that waits as one transaction: one fsync for all.
 *   G1 Replies exist only after COMMIT returned.
 *   G2 An operation that fails is undone alone; its neighbours are committed. (The group is carried out again, each
 *      operation in a savepoint: operations touch nothing but the connection.)
 *   G3 When the transaction as a whole fails, every call of the group fails, and the handle is closed: pages that a
 *      failed fsync left in the cache may differ from the disk. The next group opens the file anew. Nothing is synced
 *      through the closed handle any more, not even by its closing.
 */
export class GroupCommit {
  readonly #file: string;
  readonly #fence: number;
  readonly #operations: Operations<Session>;
  readonly #open: (file: string) => Connection;
  #connection: Connection | null = null;
  /** Open from the closing of a broken handle until there is the next one. */
  #standIn: Connection | null = null;
  /** Of the group that is being carried out. */
  #calls: Call[] = [];
  #replies: Reply[] | null = [];
  #failure: { readonly error: unknown } | null = null;
  #isBegun = false;

  constructor(
    store: { readonly file: string; readonly fence: number },
    operations: Operations<Session>,
    open: (file: string) => Connection,
  ) {
    this.#file = store.file;
    this.#fence = store.fence;
    this.#operations = operations;
    this.#open = open;
  }

  /** Carries out calls of the next group, ahead of its end. */
  take(calls: readonly Call[]): void {
    this.#calls.push(...calls);
    if (this.#failure !== null) return;
    try {
      this.#replies = this.#performAhead(calls);
    } catch (error) {
      this.#failure = { error };
    }
  }

  /** Ends the group: one reply for each of its calls, in their order. */
  finish(): Reply[] {
    const calls = this.#calls;
    try {
      if (this.#failure !== null) throw this.#failure.error;
      return this.#commit(calls);
    } catch (error) {
      this.#abandon();
      const failure = groupFailure(this.#file, error);
      return calls.map((call) => failed(call, failure));
    } finally {
      this.#calls = [];
      this.#replies = [];
      this.#failure = null;
      this.#isBegun = false;
    }
  }

  close(): void {
    const connection = this.#connection;
    this.#connection = null;
    connection?.close();
    this.#endStandIn();
  }

  /** The last handle of a file copies the log into the file when it is closed, and syncs both: so it is not the last. */
  #abandon(): void {
    const connection = this.#connection;
    if (connection === null) return;
    this.#connection = null;
    try {
      this.#standIn = Connection.forReading(this.#file);
      this.#standIn.get('SELECT count(*) FROM sqlite_schema');
    } catch {
      // A file that cannot be read is not written to either.
    }
    connection.close();
  }

  #endStandIn(): void {
    this.#standIn?.close();
    this.#standIn = null;
  }

  get #session(): Session {
    this.#connection ??= this.#open(this.#file);
    this.#endStandIn();
    return { connection: this.#connection, fence: this.#fence };
  }

  /** The replies so far; null once an operation has failed. */
  #performAhead(calls: readonly Call[]): Reply[] | null {
    const session = this.#session;
    if (!this.#isBegun) session.connection.run('BEGIN IMMEDIATE');
    this.#isBegun = true;
    const replies = this.#replies && this.#performTogether(session, calls);
    return replies && [...(this.#replies ?? []), ...replies];
  }

  #commit(calls: readonly Call[]): Reply[] {
    const session = this.#session;
    const { connection } = session;
    let replies = this.#replies;
    if (replies === null) {
      connection.run('ROLLBACK');
      connection.run('BEGIN IMMEDIATE');
      replies = calls.map((call) => this.#performAlone(session, call));
    }
    if (this.#isBegun) connection.run('COMMIT');
    return replies;
  }

  /** Null when an operation failed. Spares the savepoints, each of which copies every page that is touched in it. */
  #performTogether(session: Session, calls: readonly Call[]): Reply[] | null {
    try {
      return calls.map((call) => perform(this.#operations, session, call));
    } catch (error) {
      if (breaksHandle(error)) throw error;
      return null;
    }
  }

  #performAlone(session: Session, call: Call): Reply {
    const { connection } = session;
    connection.run('SAVEPOINT operation');
    try {
      const reply = perform(this.#operations, session, call);
      connection.run('RELEASE operation');
      return reply;
    } catch (error) {
      if (breaksHandle(error)) throw error;
      connection.run('ROLLBACK TO operation');
      connection.run('RELEASE operation');
      return failed(call, error);
    }
  }
}
