import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openStoreAt } from '../support/sqlite-subject.ts';
import { keyOf } from '../support/store-records.ts';

const ROUNDS = process.env['DRAGOMAN_DEEP'] === '1' ? 20 : 4;
const WRITER = fileURLToPath(new URL('../support/store-writer.ts', import.meta.url));
/** A writer that has not written enough by then is ended otherwise, which fails the test. */
const WRITER_TIMEOUT_MS = 30_000;
/** Acknowledged writes before the kill: a different point of the write-ahead log's cycle in each round. */
const writesBeforeKill = (round: number): number => 400 + round * 1_777;

/** Starts a writer, kills it with SIGKILL after `writes` acknowledged writes, returns all it had acknowledged. */
async function writeUntilKilled(file: string, writes: number): Promise<string[]> {
  const writer = spawn(process.execPath, [WRITER, file], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: WRITER_TIMEOUT_MS,
  });
  const ended = once(writer, 'close');
  let output = '';
  let lines = 0;
  writer.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
    lines += chunk.split('\n').length - 1;
    if (lines >= writes) writer.kill('SIGKILL');
  });
  const [, signal] = await ended;
  expect(signal).toBe('SIGKILL');
  // The last line may be cut in the middle.
  return output.split('\n').slice(0, -1);
}

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

describe('kill -9 in the middle of writing', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dragoman-kill-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test(`S1: ${ROUNDS} times, every acknowledged write is there, none twice, and the file is sound`, async () => {
    const file = join(folder, 'dragoman.db');
    const acknowledged = new Map<string, string[]>([
      ['accepted', []],
      ['ingested', []],
      ['completed', []],
    ]);
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const line of await writeUntilKilled(file, writesBeforeKill(round))) {
        const [what = '', ...which] = line.split(' ');
        acknowledged.get(what)?.push(which.join(' '));
      }
      const { integrity, messages, ingested, completed } = contentOf(file);
      expect(integrity).toBe('ok');
      const there = new Set(messages);
      expect(there.size).toBe(messages.length);
      const missing = (what: string, present: ReadonlySet<string>): string[] =>
        (acknowledged.get(what) ?? []).filter((name) => !present.has(name));
      expect(missing('accepted', there)).toEqual([]);
      expect(missing('ingested', new Set(ingested))).toEqual([]);
      expect(missing('completed', new Set(completed))).toEqual([]);
    }
    expect(acknowledged.get('accepted')?.length).toBeGreaterThan(ROUNDS * 100);
    expect(acknowledged.get('completed')?.length).toBeGreaterThan(0);

    const store = await openStoreAt(file);
    const { nextId, messages } = await store.rehydrate(keyOf('chat-0'));
    const history = await store.history(keyOf('chat-0'), { afterSeq: 0, limit: 1_000_000 });
    const ids = [...messages, ...history.map(({ message }) => message)].map(({ id }) => id);
    expect(Math.max(...ids)).toBe(nextId - 1);
    expect(history.map(({ ingestSeq }) => ingestSeq)).toEqual(history.map((_, index) => index + 1));
    await store.close();
  });
});
