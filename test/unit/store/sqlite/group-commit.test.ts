import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DragomanError } from '../../../../src/base/errors.ts';
import type { Call, Reply } from '../../../../src/store/sqlite/calls.ts';
import { Connection } from '../../../../src/store/sqlite/connection.ts';
import { GroupCommit } from '../../../../src/store/sqlite/group-commit.ts';
import type { Session } from '../../../../src/store/sqlite/operations/session.ts';

const OPERATIONS = {
  put: ({ connection }: Session, name: string) => connection.run('INSERT INTO names VALUES (?)', name),
  putAndThrow({ connection }: Session, name: string): void {
    connection.run('INSERT INTO names VALUES (?)', name);
    throw new DragomanError('not_found', 'nothing there');
  },
  /** Fills the file up to its page limit. */
  fill({ connection }: Session): void {
    connection.exec('PRAGMA max_page_count = 10');
    connection.run('INSERT INTO names VALUES (?)', 'x'.repeat(1_000_000));
  },
  pageLimit: ({ connection }: Session) => connection.one<{ max_page_count: number }>('PRAGMA max_page_count'),
};

const call = (operation: keyof typeof OPERATIONS, ...args: readonly unknown[]): Call => ({
  id: 1,
  operation,
  args,
});
const outcomes = (replies: readonly Reply[]): string[] =>
  replies.map((reply) => (reply.kind === 'done' ? 'done' : reply.failure.code));

describe('group commit', () => {
  let folder: string;
  let file: string;
  let opened: number;
  let group: GroupCommit;

  const open = (path: string): Connection => {
    opened += 1;
    return Connection.forWriting(path);
  };
  const names = (): string[] => {
    const reader = Connection.forReading(file);
    try {
      return reader.all<{ name: string }>('SELECT name FROM names ORDER BY rowid').map(({ name }) => name);
    } finally {
      reader.close();
    }
  };

  const run = (calls: readonly Call[]): Reply[] => runOn(group, calls);

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dragoman-group-'));
    file = join(folder, 'names.db');
    opened = 0;
    const connection = Connection.forWriting(file);
    connection.exec('CREATE TABLE names (name TEXT UNIQUE)');
    connection.close();
    group = new GroupCommit({ file, fence: 1 }, OPERATIONS, open);
  });
  afterEach(() => {
    group.close();
    rmSync(folder, { recursive: true });
  });

  test('G1: what was replied to is committed', () => {
    expect(outcomes(run([call('put', 'a'), call('put', 'b')]))).toEqual(['done', 'done']);
    expect(names()).toEqual(['a', 'b']);
  });

  test('G2: an operation that throws is undone alone', () => {
    const replies = run([call('put', 'a'), call('putAndThrow', 'b'), call('put', 'c')]);
    expect(outcomes(replies)).toEqual(['done', 'not_found', 'done']);
    expect(names()).toEqual(['a', 'c']);
  });

  test('G2: a statement that fails fails its own operation alone, as a bug', () => {
    const replies = run([call('put', 'a'), call('put', 'a'), call('put', 'b')]);
    expect(outcomes(replies)).toEqual(['done', 'invariant_broken', 'done']);
    expect(names()).toEqual(['a', 'b']);
    expect(opened).toBe(1);
  });

  test('G1, G2: a group that comes in parts is one: nothing is committed before its end, and failures are undone alone', () => {
    group.take([call('put', 'a'), call('putAndThrow', 'b')]);
    expect(names()).toEqual([]);
    group.take([call('put', 'c'), call('put', 'a')]);
    group.take([]);
    expect(outcomes(group.finish())).toEqual(['done', 'not_found', 'done', 'invariant_broken']);
    expect(names()).toEqual(['a', 'c']);
    expect(outcomes(run([call('put', 'd')]))).toEqual(['done']);
    expect(names()).toEqual(['a', 'c', 'd']);
  });

  test('G3: a group whose first part breaks the handle fails as a whole', () => {
    run([call('pageLimit')]);
    group.take([call('put', 'a'), call('fill')]);
    group.take([call('put', 'b')]);
    expect(outcomes(group.finish())).toEqual(['store_unavailable', 'store_unavailable', 'store_unavailable']);
    expect(outcomes(run([call('put', 'c')]))).toEqual(['done']);
    expect(names()).toEqual(['c']);
  });

  test('G3: when there is no space left, the whole group fails and the next one opens the file anew', () => {
    const limit = run([call('pageLimit')]);
    const replies = run([call('put', 'a'), call('fill'), call('put', 'b')]);
    expect(outcomes(replies)).toEqual(['store_unavailable', 'store_unavailable', 'store_unavailable']);
    expect(names()).toEqual([]);
    expect(run([call('pageLimit')])).toEqual(limit);
    expect(outcomes(run([call('put', 'c')]))).toEqual(['done']);
    expect(names()).toEqual(['c']);
    expect(opened).toBe(2);
  });

  test('G3: a commit that fails fails the group, and its handle is not used again', () => {
    const handles: Connection[] = [];
    const failing = new GroupCommit({ file, fence: 1 }, OPERATIONS, (path) => {
      const connection = open(path);
      handles.push(connection);
      if (handles.length === 1) failAtCommit(connection);
      return connection;
    });
    expect(outcomes(runOn(failing, [call('put', 'a')]))).toEqual(['store_unavailable']);
    expect(() => handles[0]?.exec('SELECT 1')).toThrow('not open');
    expect(outcomes(runOn(failing, [call('put', 'b')]))).toEqual(['done']);
    expect(names()).toEqual(['b']);
    failing.close();
  });

  test('G3: while the file cannot be opened every group fails, and it works again once it can', () => {
    let isMounted = false;
    const absent = new GroupCommit({ file, fence: 1 }, OPERATIONS, (path) =>
      open(isMounted ? path : '/dev/null/x'),
    );
    expect(outcomes(runOn(absent, [call('put', 'a')]))).toEqual(['store_unavailable']);
    isMounted = true;
    expect(outcomes(runOn(absent, [call('put', 'b')]))).toEqual(['done']);
    absent.close();
  });
});

function runOn(group: GroupCommit, calls: readonly Call[]): Reply[] {
  group.take(calls);
  return group.finish();
}

/** As SQLite reports a failed fsync: SQLITE_IOERR_FSYNC. */
function failAtCommit(connection: Connection): void {
  const run = connection.run.bind(connection);
  connection.run = (sql, ...values) => {
    if (sql === 'COMMIT') throw Object.assign(new Error('disk I/O error'), { errcode: 1_034 });
    return run(sql, ...values);
  };
}
