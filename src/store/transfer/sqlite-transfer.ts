import { existsSync, realpathSync } from 'node:fs';
import { DragomanError } from '../../base/errors.ts';
import type { FileLock } from '../../base/file-lock.ts';
import { Connection } from '../sqlite/connection.ts';
import { prepareFile } from '../sqlite/prepare-file.ts';
import { breaksHandle, groupFailure } from '../sqlite/sqlite-errors.ts';
import { COPY_MARK_TABLE } from '../sqlite/unfinished-copy.ts';
import {
  type CopyMark,
  type Page,
  type PortableRecord,
  portable,
  type Section,
  type Source,
  type Target,
  without,
} from './records.ts';

type Row = Record<string, string | number | null>;

/** How a section lies in its tables. */
interface Layout {
  /** The columns of a record, from its table or view. */
  readonly select: string;
  /** Columns of a unique index: the order of reading, and the cursor. */
  readonly key: readonly string[];
  readonly record: (row: Row) => PortableRecord;
  readonly insert: (connection: Connection, record: PortableRecord) => void;
}

const CHAT = ['bot_id', 'provider_name', 'correspondent_id'] as const;
const identity = (row: Row): PortableRecord => row;

/** A row of a table whose columns are the record's fields; what is no text or number is kept as JSON. */
function insertInto(connection: Connection, table: string, record: PortableRecord): void {
  const columns = connection
    .all<{ name: string }>('SELECT name FROM pragma_table_info(?)', table)
    .map(({ name }) => name)
    .filter((name) => record[name] !== undefined);
  connection.run(
    `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`,
    ...columns.map((name) => columnValue(record[name])),
  );
}

function columnValue(value: unknown): string | number | null {
  if (typeof value === 'string' || typeof value === 'number') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  return value === null || value === undefined ? null : JSON.stringify(value);
}

const parsed = (text: string | number | null | undefined): unknown =>
  typeof text === 'string' ? JSON.parse(text) : null;

const jobs = (view: string, collection: string): Layout => ({
  select: `* FROM ${view}`,
  key: ['seq'],
  record: ({ placeholder_message, error, media_metadata, ...row }) => ({
    ...without(row, 'collection'),
    placeholder_message: parsed(placeholder_message),
    error: parsed(error),
    media_metadata: parsed(media_metadata),
  }),
  insert(connection, { placeholder_message: message, ...record }) {
    insertInto(connection, 'jobs', { ...record, collection });
    insertInto(connection, 'job_placeholders', { seq: record['seq'], message });
  },
});

const messages = (table: string): Layout => ({
  select: `* FROM ${table}`,
  key: [...CHAT, 'id'],
  record: ({ message, ...row }) => ({ ...without(row, 'media_processing_id'), message: parsed(message) }),
  insert(connection, record) {
    const { media_processing_id: guid } = Object(record['message']);
    insertInto(connection, table, {
      ...record,
      ...(table === 'queue_journal' && { media_processing_id: guid }),
    });
  },
});

const LAYOUTS: Readonly<Record<Section, Layout>> = {
  bots: {
    select: '* FROM bots',
    key: ['bot_id'],
    record: ({ stopped, removed, ...row }) => ({ ...row, stopped: stopped === 1, removed: removed === 1 }),
    insert: (connection, record) => insertInto(connection, 'bots', record),
  },
  correspondents: {
    select: `*, (SELECT json_group_array(alias ORDER BY named.rowid) FROM correspondent_aliases AS named
                WHERE named.chat = correspondents.chat) AS aliases FROM correspondents`,
    key: ['chat'],
    record: ({ aliases, ...row }) => ({ ...row, aliases: parsed(aliases) }),
    insert(connection, { aliases, ...record }) {
      insertInto(connection, 'correspondents', record);
      const { chat, bot_id, provider_name } = record;
      for (const alias of Array.isArray(aliases) ? aliases : []) {
        insertInto(connection, 'correspondent_aliases', { chat, bot_id, provider_name, alias });
      }
    },
  },
  message_ids: {
    select: '* FROM message_ids',
    key: ['chat', 'provider_message_id', 'sender', 'from_me'],
    record: ({ from_me, ...row }) => ({ ...row, from_me: from_me === 1 }),
    insert: (connection, record) => insertInto(connection, 'message_ids', record),
  },
  queue_journal: messages('queue_journal'),
  queues: messages('queues'),
  media_turns: {
    select: 'rowid AS "order", * FROM media_turns',
    key: ['pool', 'bot_id'],
    record: ({ claimable, ...row }) => ({ ...row, claimable: claimable === 1 }),
    insert(connection, { order, ...record }) {
      insertInto(connection, 'media_turns', record);
      connection.run(
        'UPDATE media_turns SET rowid = ? WHERE rowid = last_insert_rowid()',
        columnValue(order),
      );
    },
  },
  media_processing_jobs: jobs('media_processing_jobs', 'active'),
  media_processing_jobs_holding: jobs('media_processing_jobs_holding', 'holding'),
  media_processing_jobs_failed: jobs('media_processing_jobs_failed', 'failed'),
  counters: {
    select: `key AS name, value FROM meta WHERE key IN ('first_id', 'first_ingest_seq')`,
    key: ['name'],
    record: identity,
    insert: (connection, { name, value }) => insertInto(connection, 'meta', { key: name, value }),
  },
};

/** A store file that this process alone has open, as the source or the target of a copy. */
export class SqliteTransfer implements Source, Target {
  readonly name: string;
  readonly #connection: Connection;
  readonly #lock: FileLock;

  private constructor(file: string, lock: FileLock) {
    this.name = `sqlite:${realpathSync(file)}`;
    this.#lock = lock;
    this.#connection = Connection.forWriting(file);
  }

  /**
   * Throws `not_found` for a source that is not there, and what `prepareFile` throws: `already_in_use` when a backend has
   * it open.
   */
  static open(file: string, role: 'source' | 'target', now: number): SqliteTransfer {
    if (role === 'source' && !existsSync(file)) {
      throw new DragomanError('not_found', `there is no store ${file}`);
    }
    const { lock } = prepareFile(file, now, role === 'source' ? 'read' : 'copy');
    return new SqliteTransfer(file, lock);
  }

  async fence(): Promise<number> {
    return this.#connection.get<{ value: number }>(`SELECT value FROM meta WHERE key = 'fence'`)?.value ?? 0;
  }

  /** The file's lock has done that. */
  freeze(): Promise<number> {
    return this.fence();
  }

  async count(section: Section): Promise<number> {
    const { select } = LAYOUTS[section];
    return this.#connection.one<{ count: number }>(`SELECT count(*) AS count FROM (SELECT ${select})`).count;
  }

  async read(section: Section, cursor: string | null, atMost: number): Promise<Page> {
    const { select, key, record } = LAYOUTS[section];
    const names = key.join(', ');
    const after: readonly (string | number)[] = cursor === null ? [] : JSON.parse(cursor);
    const where = cursor === null ? '' : `WHERE (${names}) > (${key.map(() => '?').join(', ')})`;
    const rows = this.#connection.all<Row>(
      `SELECT * FROM (SELECT ${select}) ${where} ORDER BY ${names} LIMIT ?`,
      ...after,
      atMost,
    );
    const last = rows.length === atMost ? rows.at(-1) : undefined;
    return {
      records: rows.map((row) => portable(record(row))),
      next: last === undefined ? null : JSON.stringify(key.map((name) => last[name])),
    };
  }

  async mark(): Promise<CopyMark | null> {
    const table = this.#connection.get('SELECT 1 FROM sqlite_schema WHERE name = ?', COPY_MARK_TABLE);
    if (table === undefined) return null;
    return JSON.parse(this.#connection.one<{ mark: string }>(`SELECT mark FROM ${COPY_MARK_TABLE}`).mark);
  }

  async begin(mark: CopyMark): Promise<void> {
    this.#transaction(() => {
      this.#connection.exec(`CREATE TABLE ${COPY_MARK_TABLE} (mark TEXT NOT NULL) STRICT`);
      this.#connection.run(`INSERT INTO ${COPY_MARK_TABLE} VALUES (?)`, JSON.stringify(mark));
    });
  }

  async write(section: Section, records: readonly PortableRecord[], mark: CopyMark): Promise<void> {
    this.#transaction(() => {
      for (const record of records) LAYOUTS[section].insert(this.#connection, record);
      this.#connection.run(`UPDATE ${COPY_MARK_TABLE} SET mark = ?`, JSON.stringify(mark));
    });
  }

  async finish(fence: number): Promise<void> {
    this.#transaction(() => {
      this.#connection.exec(`DROP TABLE ${COPY_MARK_TABLE}`);
      this.#connection.run(`INSERT OR REPLACE INTO meta VALUES ('fence', ?)`, fence);
    });
  }

  async close(): Promise<void> {
    this.#connection.close();
    this.#lock.release();
  }

  #transaction(work: () => void): void {
    this.#connection.exec('BEGIN IMMEDIATE');
    try {
      work();
      this.#connection.exec('COMMIT');
    } catch (error) {
      // one that broke the handle has ended the transaction itself, or its end is the next process's recovery
      if (breaksHandle(error)) throw groupFailure(this.name, error);
      this.#connection.exec('ROLLBACK');
      throw error;
    }
  }
}
