import { mkdtempSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { acknowledgedIn, writeUntilKilled } from '../support/killed-writer.ts';
import { openStoreAt } from '../support/sqlite-subject.ts';
import { keyOf } from '../support/store-records.ts';

const ROUNDS = process.env['DRAGOMAN_DEEP'] === '1' ? 20 : 4;
/** Acknowledged writes before the kill: a different point of the write-ahead log's cycle in each round. */
const writesBeforeKill = (round: number): number => 400 + round * 1_777;

/** What the file holds, read without the store. */
function contentOf(file: string): {
  readonly integrity: unknown;
  readonly messages: string[];
  readonly ingested: string[];
  readonly completed: string[];
} {
  const database = new DatabaseSync(file);
  try {
    const lines = (sql: string): string[] =>
      database
        .prepare(sql)
        .all()
        .map(({ line }) => String(line));
    return {
      integrity: database.prepare('PRAGMA integrity_check').get()?.['integrity_check'],
      messages: lines(`SELECT correspondent_id || ' ' || id AS line FROM queue_journal
                       UNION ALL SELECT correspondent_id || ' ' || id FROM queues`),
      ingested: lines(`SELECT correspondent_id || ' ' || id AS line FROM queues`),
      completed: lines(`SELECT guid AS line FROM jobs WHERE status = 'completed'`),
    };
  } finally {
    database.close();
  }
}

function missing(expected: readonly string[], present: readonly string[]): string[] {
  const there = new Set(present);
  return expected.filter((name) => !there.has(name));
}

describe('kill -9 in the middle of writing', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dragoman-kill-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test(`S1: ${ROUNDS} times, every acknowledged write is there, none twice, and the file is sound`, async () => {
    const file = join(folder, 'dragoman.db');
    const log = join(folder, 'acknowledged.log');
    for (let round = 0; round < ROUNDS; round += 1) {
      expect(await writeUntilKilled(file, log, writesBeforeKill(round))).toBe('SIGKILL');
      const accepted = acknowledgedIn(log, 'accepted');
      const completed = acknowledgedIn(log, 'completed');
      const content = contentOf(file);
      expect(content.integrity).toBe('ok');
      expect(new Set(content.messages).size).toBe(content.messages.length);
      expect(missing(accepted, content.messages)).toEqual([]);
      expect(missing(acknowledgedIn(log, 'ingested'), content.ingested)).toEqual([]);
      expect(missing(completed, content.completed)).toEqual([]);
      expect(accepted.length).toBeGreaterThan(100 * (round + 1));
      expect(completed.length).toBeGreaterThan(round);
    }

    const store = await openStoreAt(file);
    const { nextId, messages } = await store.rehydrate(keyOf('chat-0'));
    const history = await store.history(keyOf('chat-0'), { afterSeq: 0, limit: 1_000_000 });
    const ids = [...messages, ...history.map(({ message }) => message)].map(({ id }) => id);
    expect(Math.max(...ids)).toBe(nextId - 1);
    expect(history.map(({ ingestSeq }) => ingestSeq)).toEqual(history.map((_, index) => index + 1));
    await store.close();
  });
});
