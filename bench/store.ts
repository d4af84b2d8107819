/**
 * The embedded store, every write durable before it resolves, beside the rate at which this disk takes a record and syncs
 * it, and beside the driver alone. Then what must not grow with what is there: a claim behind a backlog of which one bot
 * owns 99.9 %, an acceptance and a settlement before a long history, and the start-up sweep. `DRAGOMAN_DEEP=1` takes a
 * million jobs, and a million messages, instead of a hundred thousand.
 */
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { newGuid } from '../src/base/ids.ts';
import type { Store } from '../src/store/store.ts';
import { openStoreAt } from '../test/support/sqlite-subject.ts';
import { keyOf, NOW, PROVIDER } from '../test/support/store-records.ts';
import { measure, printTable, row, type Row } from './measure.ts';
import { fillHistory, fillJobs } from './store-fill.ts';
import {
  acceptOneMedia,
  acceptOneText,
  Chat,
  claimAndComplete,
  jobLife,
  mediumLife,
  textLife,
} from './store-lives.ts';

const CHATS = 200;
const IN_FLIGHT = 100;
const ROUNDS = 5;
const MANY = process.env['DRAGOMAN_DEEP'] === '1' ? 1_000_000 : 100_000;
const SWEPT = 100_000;
const SWEPT_BOTS = 8;
/** About what a journal entry takes. */
const RECORD = 'x'.repeat(700);
const SYNC = 'append + fdatasync';

async function chatsOf(store: Store, botId: string, prefix: string): Promise<readonly Chat[]> {
  const names = Array.from({ length: CHATS }, (_, n) => `${prefix}-${n}`);
  await Promise.all(names.map((name) => store.resolveCorrespondent(botId, PROVIDER, [name])));
  return names.map((name) => new Chat(keyOf(name, botId)));
}

/** Calls `act` with 0 … `count` − 1, at most `inFlight` at a time. */
async function inParallel(
  count: number,
  inFlight: number,
  act: (n: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (next < count) await act(next++);
    }),
  );
}

const chatAt = (chats: readonly Chat[], n: number): Chat => {
  const chat = chats[n % chats.length];
  if (chat === undefined) throw new Error('no chats');
  return chat;
};

/** `name`, one at a time and `IN_FLIGHT` at a time. */
function bothWays(name: string, operations: number, act: (n: number) => Promise<void>): Row<unknown>[] {
  return [
    row({
      name: `${name}, one at a time`,
      operations: operations / 10,
      prepare: () => null,
      run: () => inParallel(operations / 10, 1, act),
    }),
    row({
      name: `${name}, ${IN_FLIGHT} in flight`,
      operations,
      prepare: () => null,
      run: () => inParallel(operations, IN_FLIGHT, act),
    }),
  ];
}

function syncRow(folder: string): Row<unknown> {
  const operations = 1_000;
  return row({
    name: SYNC,
    operations,
    prepare: () => openSync(join(folder, 'appended'), 'a'),
    run: (file) => {
      for (let n = 0; n < operations; n += 1) {
        writeSync(file, RECORD);
        fdatasyncSync(file);
      }
      closeSync(file);
    },
  });
}

/** One insert and one commit at a time, in this thread. */
function driverRow(folder: string): Row<unknown> {
  const operations = 1_000;
  return row({
    name: 'the driver alone: one insert, committed',
    operations,
    prepare: () => {
      const database = new DatabaseSync(join(folder, 'plain.db'));
      database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
                     CREATE TABLE IF NOT EXISTS records (id INTEGER PRIMARY KEY, guid TEXT UNIQUE, record TEXT)`);
      return database;
    },
    run: (database) => {
      const insert = database.prepare('INSERT INTO records (guid, record) VALUES (?, ?)');
      for (let n = 0; n < operations; n += 1) insert.run(newGuid(), RECORD);
      database.close();
    },
  });
}

/** A store with one pending job of each of `bots`, filled up to `jobs`. */
async function storeWithJobs(
  file: string,
  bots: readonly string[],
  jobs: number,
  isLopsided: boolean,
): Promise<Store> {
  const store = await openStoreAt(file);
  for (const bot of bots) await acceptOneMedia(store, chatAt(await chatsOf(store, bot, 'chat'), 0));
  await store.close();
  fillJobs(file, jobs - bots.length + 1, isLopsided);
  return openStoreAt(file);
}

const backlogName = (size: number): string => `claim + complete, ${size} jobs, one bot with 99.9 %`;

async function measureBacklogs(folder: string): Promise<void> {
  const sizes = [1_000, 100_000, ...(MANY > 100_000 ? [MANY] : [])];
  const stores = new Map<number, Store>();
  for (const size of sizes) {
    const file = join(folder, `backlog-${size}.db`);
    stores.set(size, await storeWithJobs(file, ['heavy', 'quiet'], size, true));
  }
  const rows = [...stores].map(([size, store]) =>
    row({
      name: backlogName(size),
      operations: 100,
      prepare: () => null,
      run: () => inParallel(100, 1, () => claimAndComplete(store)),
    }),
  );
  printTable(await measure(rows, ROUNDS), backlogName(1_000));
  for (const store of stores.values()) await store.close();
}

async function measureHistory(folder: string): Promise<void> {
  const stores: { readonly name: string; readonly store: Store; readonly chats: readonly Chat[] }[] = [];
  for (const [name, rows] of [
    ['no history', 0],
    [`${MANY} messages of history`, MANY],
  ] as const) {
    const file = join(folder, `history-${rows}.db`);
    const first = await openStoreAt(file);
    const chats = await chatsOf(first, 'bot', 'chat');
    await textLife(first, chatAt(chats, 0));
    await first.close();
    if (rows > 0) fillHistory(file, rows);
    stores.push({ name, store: await openStoreAt(file), chats });
  }
  for (const [what, operations, act] of [
    ['accept a text', 500, acceptOneText],
    ['accept a medium and settle it', 200, mediumLife],
  ] as const) {
    const rows = stores.map(({ name, store, chats }) =>
      row({
        name: `${what}, ${name}`,
        operations,
        prepare: () => null,
        run: () =>
          inParallel(operations, 1, async (n) => {
            await act(store, chatAt(chats, n));
          }),
      }),
    );
    printTable(await measure(rows, ROUNDS), `${what}, no history`);
  }
  for (const { store } of stores) await store.close();
}

async function measureSweep(folder: string): Promise<void> {
  const bots = Array.from({ length: SWEPT_BOTS }, (_, n) => `bot-${n}`);
  const store = await storeWithJobs(join(folder, 'swept.db'), bots, SWEPT, false);
  const times: string[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const startedAt = performance.now();
    const swept = await store.sweepToHolding(NOW);
    times.push(`${Math.round(performance.now() - startedAt)} ms`);
    if (swept !== SWEPT) throw new Error(`expected ${SWEPT} swept jobs, got ${swept}`);
    for (const bot of bots) await store.promoteJobs(bot, NOW);
  }
  console.log(`start-up sweep of ${SWEPT} jobs of ${SWEPT_BOTS} bots: ${times.join(', ')}`);
  await store.close();
}

export async function run(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'dragoman-bench-'));
  try {
    const store = await openStoreAt(join(folder, 'dragoman.db'));
    const [texts, media] = [await chatsOf(store, 'texts', 'chat'), await chatsOf(store, 'media', 'chat')];
    const rows = [
      syncRow(folder),
      driverRow(folder),
      ...bothWays('accept a text', 10_000, async (n) => {
        await acceptOneText(store, chatAt(texts, n));
      }),
      ...bothWays('life of a text', 5_000, (n) => textLife(store, chatAt(texts, n))),
      ...bothWays('life of a job', 3_000, (n) => jobLife(store, chatAt(media, n))),
    ];
    printTable(await measure(rows, ROUNDS), SYNC);
    await store.close();
    await measureBacklogs(folder);
    await measureHistory(folder);
    await measureSweep(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
