/**
 * `npm run powercut -- [--cuts 50] [--sync off]`: cuts the power under a writer, so often, and counts what a store had
 * acknowledged and does not have any more. Needs root, loop devices and mkfs.ext4; for `--sync off` strace, too.
 *
 * The store lies on ext4 on a loop device. At a random moment the writer is stopped and the device's image is copied: what
 * was not flushed through the block layer by then is not in the copy, as after a power cut. The copy is mounted, which
 * replays the file system's journal, and the store is opened there. With `--sync off` the writer's syncs do nothing: a rig
 * that loses nothing even then is blind.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Store } from '../../../src/store/store.ts';
import { acknowledgedIn } from '../killed-writer.ts';
import { openStoreAt } from '../sqlite-subject.ts';
import { keyOf } from '../store-records.ts';

const WRITER = fileURLToPath(new URL('../store-writer.ts', import.meta.url));
const IMAGE_SIZE = '512M';
const WHOLE = { afterSeq: 0, limit: 10_000_000 };
/** What the kernel still has in hand of a process that was stopped. */
const STOPPED_MS = 50;

interface Cut {
  readonly acknowledged: number;
  readonly lost: number;
}

const { values } = parseArgs({
  options: {
    cuts: { type: 'string', default: '50' },
    sync: { type: 'string', default: 'on' },
    shortest: { type: 'string', default: '1500' },
    longest: { type: 'string', default: '3000' },
  },
});

const run = (command: string, ...args: string[]): void =>
  void execFileSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });

/** Runs `work` while `image` is mounted. */
async function mounted<T>(image: string, folder: string, work: () => Promise<T>): Promise<T> {
  mkdirSync(folder, { recursive: true });
  run('mount', '-o', 'loop,noatime', image, folder);
  try {
    return await work();
  } finally {
    for (let tries = 0; tries < 20; tries += 1) {
      try {
        run('umount', folder);
        break;
      } catch {
        await pause(200);
      }
    }
  }
}

function startWriter(file: string, log: string): ChildProcess {
  const writer = [process.execPath, WRITER, file, log];
  const blind = ['strace', '-f', '--seccomp-bpf', '-o', '/dev/null', '-e', 'trace=fsync,fdatasync'];
  const command =
    values.sync === 'off' ? [...blind, '-e', 'inject=fsync,fdatasync:retval=0', ...writer] : writer;
  const [program = '', ...args] = command;
  // A group of its own, so that strace stops and ends with what it traces.
  return spawn(program, args, { detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
}

async function cut(folder: string): Promise<Cut> {
  const image = path.join(folder, 'disk');
  const after = path.join(folder, 'disk-after');
  const log = path.join(folder, 'acknowledged');
  for (const file of [image, after, log]) rmSync(file, { force: true });
  writeFileSync(log, '');
  run('truncate', '-s', IMAGE_SIZE, image);
  run('mkfs.ext4', '-q', '-F', '-E', 'lazy_itable_init=0,lazy_journal_init=0', image);
  await mounted(image, path.join(folder, 'mounted'), async () => {
    const writer = startWriter(path.join(folder, 'mounted', 'dragoman.db'), log);
    const ended = once(writer, 'close');
    const { pid, stdout } = writer;
    if (pid === undefined || stdout === null) throw new Error('the writer did not start');
    try {
      await Promise.race([once(stdout, 'data'), ended]);
      stdout.resume();
      const [shortest, longest] = [Number(values.shortest), Number(values.longest)];
      await pause(shortest + Math.random() * (longest - shortest));
      process.kill(-pid, 'SIGSTOP');
      await pause(STOPPED_MS);
      copyFileSync(log, `${log}-then`);
      run('cp', '--sparse=always', image, after);
    } finally {
      process.kill(-pid, 'SIGKILL');
      await ended;
    }
  });
  return mounted(after, path.join(folder, 'mounted-after'), () =>
    count(path.join(folder, 'mounted-after', 'dragoman.db'), `${log}-then`),
  );
}

async function count(file: string, log: string): Promise<Cut> {
  const accepted = acknowledgedIn(log, 'accepted');
  const ingested = acknowledgedIn(log, 'ingested');
  const completed = acknowledgedIn(log, 'completed');
  const acknowledged = accepted.length + ingested.length + completed.length;
  if (!existsSync(file)) return { acknowledged, lost: acknowledged };
  const store = await openStoreAt(file);
  try {
    const found = await present(store, accepted);
    let lost = accepted.filter((each) => !found.known.has(each)).length;
    lost += ingested.filter((each) => !found.history.has(each)).length;
    for (const guid of completed) if ((await store.jobByGuid(guid))?.status !== 'completed') lost += 1;
    return { acknowledged, lost };
  } finally {
    await store.close();
  }
}

/** `CHAT ID` of all messages of the chats that were acknowledged, and of those in the history. */
async function present(store: Store, accepted: readonly string[]) {
  const known = new Set<string>();
  const history = new Set<string>();
  const records = new Map(
    (await store.correspondents(keyOf('').botId)).map((record) => [record.correspondentId, record]),
  );
  for (const name of new Set(accepted.map((each) => each.split(' ')[0] ?? ''))) {
    const record = records.get(keyOf(name).correspondentId);
    if (record === undefined) continue;
    for (const { id } of (await store.rehydrate(record)).messages) known.add(`${name} ${id}`);
    for (const { message } of await store.history(record, WHOLE)) {
      known.add(`${name} ${message.id}`);
      history.add(`${name} ${message.id}`);
    }
  }
  return { known, history };
}

const folder = mkdtempSync(path.join(tmpdir(), 'dragoman-power-'));
const total = { cuts: 0, acknowledged: 0, lost: 0, cutsWithLoss: 0 };
try {
  for (let nth = 0; nth < Number(values.cuts); nth += 1) {
    const { acknowledged, lost } = await cut(folder);
    total.cuts += 1;
    total.acknowledged += acknowledged;
    total.lost += lost;
    total.cutsWithLoss += lost > 0 ? 1 : 0;
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(JSON.stringify({ sync: values.sync, ...total }));
const isAsExpected = values.sync === 'off' ? total.lost > 0 : total.lost === 0;
process.exitCode = isAsExpected ? 0 : 1;
