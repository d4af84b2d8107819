import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
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

/** Starts a writer and kills it with SIGKILL after `writes` acknowledged writes. */
async function writeUntilKilled(file: string, log: string, writes: number): Promise<void> {
  const writer = spawn(process.execPath, [WRITER, file, log], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: WRITER_TIMEOUT_MS,
  });
  const ended = once(writer, 'close');
  let dots = 0;
  writer.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    dots += chunk.length;
    if (dots >= writes) writer.kill('SIGKILL');
  });
  const [, signal] = await ended;
  expect(signal).toBe('SIGKILL');
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

interface Acknowledged {
  readonly accepted: string[];
  readonly ingested: string[];
  readonly completed: string[];
}

/** What the writers had been told is durable, over all rounds. A line that the kill cut short is not counted. */
function acknowledgedIn(log: string): Acknowledged {
  const lines = readFileSync(log, 'utf8').split('\n').slice(0, -1);
  const of = (what: string): string[] =>
    lines.filter((line) => line.startsWith(`${what} `)).map((line) => line.slice(what.length + 1));
  return { accepted: of('accepted'), ingested: of('ingested'), completed: of('completed') };
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
      await writeUntilKilled(file, log, writesBeforeKill(round));
      const { accepted, ingested, completed } = acknowledgedIn(log);
      const content = contentOf(file);
      expect(content.integrity).toBe('ok');
      expect(new Set(content.messages).size).toBe(content.messages.length);
      expect(missing(accepted, content.messages)).toEqual([]);
      expect(missing(ingested, content.ingested)).toEqual([]);
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
