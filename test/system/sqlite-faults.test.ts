import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { DragomanError, hasCode } from '../../src/base/errors.ts';
import type { CorrespondentKey } from '../../src/jobs/job.ts';
import type { Store } from '../../src/store/store.ts';
import { chat } from '../contract/store/subject.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { mayMount, smallDisk } from '../support/small-disk.ts';
import { openStoreAt } from '../support/sqlite-subject.ts';
import { acceptText, textMessage } from '../support/store-records.ts';

const MEBIBYTE = 2 ** 20;
const script = (name: string): string => fileURLToPath(new URL(`../support/${name}`, import.meta.url));

const unavailable = (error: unknown): boolean => hasCode(error, 'store_unavailable');

async function opened(file: string): Promise<Store> {
  const store = await openStoreAt(file);
  onTestFinished(() => store.close());
  return store;
}

async function refusal(file: string): Promise<DragomanError> {
  const error = await opened(file).then(
    () => 'opened',
    (reason: unknown) => reason,
  );
  if (error instanceof DragomanError) return error;
  throw new Error(`expected a refusal, got ${String(error)}`);
}

/** A program that runs until it is killed, at the latest at the end of the test, and has said its first word. */
async function running(...args: readonly string[]): Promise<ChildProcess> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  child.stdout.resume();
  return child;
}

async function killed(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

/** Another program that holds the file's write lock, as a backup or a database browser does. */
const locking = (file: string): Promise<ChildProcess> =>
  running(
    '--eval',
    `const { DatabaseSync } = require('node:sqlite');
     const database = new DatabaseSync(${JSON.stringify(file)});
     database.exec('BEGIN IMMEDIATE');
     console.log('locked');
     setInterval(() => database.isOpen, 1_000);`,
  );

const integrityOf = (file: string): unknown => {
  using database = new DatabaseSync(file);
  return database.prepare('PRAGMA integrity_check').get()?.['integrity_check'];
};

/** Texts until the store refuses one. Returns the ids that it took. */
async function fill(store: Store, key: CorrespondentKey): Promise<number[]> {
  const taken: number[] = [];
  for (let id = 1; ; id += 1) {
    try {
      await store.accept(acceptText(key, textMessage(id, { content: 'x'.repeat(16_000) })));
      taken.push(id);
    } catch (error) {
      expect(error).toSatisfy(unavailable);
      expect(error).toHaveProperty('message', expect.stringContaining('full'));
      return taken;
    }
  }
}

const overwrite = (file: string, start: number, bytes: number): void => {
  const content = readFileSync(file);
  content.fill(0xa5, start, start + bytes);
  writeFileSync(file, content);
};

describe.skipIf(!mayMount)('a disk that is full', () => {
  test('fails what it cannot take, keeps what it took, and is used again once there is room', async () => {
    const disk = await smallDisk(6 * MEBIBYTE);
    const ballast = join(disk, 'ballast');
    writeFileSync(ballast, Buffer.alloc(3 * MEBIBYTE));
    const file = join(disk, 'dragoman.db');
    const store = await opened(file);
    const key = await chat(store, 'a');
    const taken = await fill(store, key);
    expect(taken.length).toBeGreaterThan(10);
    rmSync(ballast);
    expect((await store.rehydrate(key)).messages.map(({ id }) => id)).toEqual(taken);
    const next = taken.length + 1;
    await store.accept(acceptText(key, textMessage(next)));
    expect((await store.rehydrate(key)).messages.map(({ id }) => id)).toEqual([...taken, next]);
    expect(integrityOf(file)).toBe('ok');
  });

  test('is refused at start with what to do', async () => {
    const disk = await smallDisk(MEBIBYTE);
    writeFileSync(join(disk, 'ballast'), Buffer.alloc(MEBIBYTE - 4_096));
    const { code, message } = await refusal(join(disk, 'dragoman.db'));
    expect(code).toBe('folder_unusable');
    expect(message).toContain('with space left');
  });
});

describe('a file that another program has locked', () => {
  test('makes the store unavailable while it is so, without a restart', async () => {
    const file = join(await scratchFolder(), 'dragoman.db');
    const store = await opened(file);
    const key = await chat(store, 'a');
    const other = await locking(file);
    await expect(store.accept(acceptText(key, textMessage(1)))).rejects.toSatisfy(unavailable);
    await killed(other);
    await store.accept(acceptText(key, textMessage(1)));
    expect((await store.rehydrate(key)).messages).toEqual([textMessage(1)]);
  });

  test('is refused at start with what to do', async () => {
    const file = join(await scratchFolder(), 'dragoman.db');
    await (await openStoreAt(file)).close();
    const other = await locking(file);
    const { code, message } = await refusal(file);
    expect(code).toBe('already_in_use');
    expect(message).toContain('a backup, a database browser');
    await killed(other);
    await expect(opened(file)).resolves.toBeDefined();
  });

  test('of another backend is refused until that one is dead, kill -9 included', async () => {
    const folder = await scratchFolder();
    const file = join(folder, 'dragoman.db');
    const other = await running(script('store-writer.ts'), file, join(folder, 'log'));
    const { code, message } = await refusal(file);
    expect(code).toBe('already_in_use');
    expect(message).toContain('in use by another Dragoman');
    await killed(other);
    await expect(opened(file)).resolves.toBeDefined();
  });
});

describe('a store file that is damaged', () => {
  test.for([
    ['whose head is overwritten', (file: string) => overwrite(file, 0, 100)],
    ['whose schema is overwritten', (file: string) => overwrite(file, 100, 3_900)],
    ['that is cut short', (file: string) => truncateSync(file, 3 * 4_096)],
  ] as const)('%s is refused at start, and left as it is', async ([, damage]) => {
    const file = join(await scratchFolder(), 'dragoman.db');
    const store = await openStoreAt(file);
    const key = await chat(store, 'a');
    for (let id = 1; id <= 50; id += 1) await store.accept(acceptText(key, textMessage(id)));
    await store.close();
    damage(file);
    const damaged = readFileSync(file);
    const { code, message } = await refusal(file);
    expect(code).toBe('store_corrupt');
    expect(message).toContain(file);
    expect(message).toContain('put a backup in its place, or move it away to start empty');
    expect(readFileSync(file).equals(damaged)).toBe(true);
  });
});

const hasStrace = ((): boolean => {
  try {
    execFileSync('strace', ['-e', 'trace=none', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    console.warn('a disk that fails to sync: skipped: no strace that may trace');
    return false;
  }
})();

describe.skipIf(!hasStrace)('a disk that fails to sync', () => {
  const MESSAGES = 40;

  test('G3: its callers are told, the file is opened anew and never synced again through the same handle', async () => {
    const folder = await scratchFolder();
    const [file, trace] = [join(folder, 'dragoman.db'), join(folder, 'trace')];
    const writer = spawn(
      'strace',
      [
        ['-f', '-y', '-qq', '-o', trace, '-e', 'trace=fdatasync,fsync,close'],
        // Counted by thread: the first ones are those of the start-up.
        ['-e', 'inject=fdatasync,fsync:error=EIO:when=15+9'],
        [process.execPath, script('stubborn-writer.ts'), file, String(MESSAGES)],
      ].flat(),
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let output = '';
    writer.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
    await once(writer, 'close');
    const lines = output.trim().split('\n');
    expect(lines.filter((line) => line === 'failed store_unavailable').length).toBeGreaterThan(0);
    expect(lines.at(-1)).toBe(`accepted ${MESSAGES}`);
    expect(handlesUsedAfterFailing(readFileSync(trace, 'utf8'))).toEqual([]);

    const store = await opened(file);
    const { messages } = await store.rehydrate(await chat(store, 'a'));
    const expected = Array.from({ length: MESSAGES }, (_, n) => `p-${n + 1}`);
    expect(messages.map(({ providerMessageId }) => providerMessageId)).toEqual(expected);
    expect(integrityOf(file)).toBe('ok');
  });
});

/** The descriptors, `number<file>`, whose sync failed and that were synced again before they were closed. */
function handlesUsedAfterFailing(trace: string): string[] {
  const failed = new Set<string>();
  const usedAgain: string[] = [];
  for (const line of trace.split('\n')) {
    const [, call, handle] = /(close|fsync|fdatasync)\((\d+<[^>]*>)/.exec(line) ?? [];
    if (call === undefined || handle === undefined) continue;
    if (call === 'close') failed.delete(handle);
    else if (failed.has(handle)) usedAgain.push(handle);
    else if (line.includes('EIO')) failed.add(handle);
  }
  return usedAgain;
}
