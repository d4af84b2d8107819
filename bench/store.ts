/**
 * The embedded store, every write durable before it resolves, beside the rate at which this disk takes a record and
 * syncs it. `DRAGOMAN_DEEP=1` adds a backlog of a million jobs.
 */
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newGuid } from '../src/base/ids.ts';
import type { CorrespondentKey } from '../src/jobs/job.ts';
import type { Store } from '../src/store/store.ts';
import { openStoreAt } from '../test/support/sqlite-subject.ts';
import {
  acceptMedia,
  acceptText,
  fulfilled,
  HOUR_MS,
  keyOf,
  NOW,
  placeholderMessage,
  PROVIDER,
  textMessage,
} from '../test/support/store-records.ts';
import { measure, printTable, row, type Row } from './measure.ts';

const CHATS = 200;
const IN_FLIGHT = 100;
const FILL_IN_FLIGHT = 400;
const ROUNDS = 5;
/** About what a journal entry takes. */
const RECORD = 'x'.repeat(700);
const SYNC = 'append + fdatasync';

/** One bot has all jobs but these. */
const QUIET_BOT_EVERY = 1_000;

/** A chat and the next id that it gives. */
class Chat {
  readonly key: CorrespondentKey;
  #nextId = 1;

  constructor(key: CorrespondentKey) {
    this.key = key;
  }

  takeId(): number {
    return this.#nextId++;
  }
}

async function chatsOf(store: Store, botId: string, prefix: string): Promise<readonly Chat[]> {
  const names = Array.from({ length: CHATS }, (_, n) => `${prefix}-${n}`);
  await Promise.all(names.map((name) => store.resolveCorrespondent(botId, PROVIDER, [name])));
  return names.map((name) => new Chat(keyOf(name, botId)));
}

/** Calls `act` with 0 … `count` − 1, at most `inFlight` at a time. */
async function inParallel(count: number, inFlight: number, act: (n: number) => Promise<void>): Promise<void> {
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

async function acceptOneText(store: Store, chat: Chat): Promise<ReturnType<typeof textMessage>> {
  const message = textMessage(chat.takeId(), { providerMessageId: newGuid() });
  await store.accept(acceptText(chat.key, message));
  return message;
}

async function acceptOneMedia(store: Store, chat: Chat): Promise<void> {
  const placeholder = placeholderMessage(chat.takeId(), newGuid(), { providerMessageId: newGuid() });
  await store.accept(acceptMedia(chat.key, placeholder));
}

async function textLife(store: Store, chat: Chat): Promise<void> {
  const message = await acceptOneText(store, chat);
  await store.ingest({ correspondent: chat.key, messages: [message], now: NOW });
}

async function claimAndComplete(store: Store): Promise<void> {
  const claim = await store.claim({ pool: 'audio', now: NOW, leaseMs: HOUR_MS, cappedBots: [] });
  if (claim === null) throw new Error('nothing to claim');
  await store.complete(claim, { kind: 'words', words: 'words' }, NOW);
}

async function jobLife(store: Store, chat: Chat): Promise<void> {
  await acceptOneMedia(store, chat);
  const claim = await store.claim({ pool: 'audio', now: NOW, leaseMs: HOUR_MS, cappedBots: [] });
  if (claim === null) throw new Error('nothing to claim');
  await store.complete(claim, { kind: 'words', words: 'words' }, NOW);
  await store.settle({
    correspondent: claim.correspondent,
    guid: claim.guid,
    message: fulfilled(claim.placeholder),
    evictedIds: [],
    error: null,
  });
}

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

/** A store in which one bot owns 99.9 % of `jobs` jobs. */
async function backlogOf(folder: string, jobs: number): Promise<Store> {
  const store = await openStoreAt(join(folder, `backlog-${jobs}.db`));
  const [heavy, quiet] = [await chatsOf(store, 'heavy', 'chat'), await chatsOf(store, 'quiet', 'chat')];
  await inParallel(jobs, FILL_IN_FLIGHT, (n) =>
    acceptOneMedia(store, chatAt(n % QUIET_BOT_EVERY === 0 ? quiet : heavy, n)),
  );
  return store;
}

async function measureBacklog(folder: string, jobs: number): Promise<void> {
  const store = await backlogOf(folder, jobs);
  const operations = Math.min(2_000, jobs / 10);
  const rows = bothWays(`claim + complete, ${jobs} jobs`, operations, () => claimAndComplete(store));
  printTable(await measure(rows, ROUNDS));
  await store.close();
}

export async function run(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'dragoman-bench-'));
  try {
    const store = await openStoreAt(join(folder, 'dragoman.db'));
    const [texts, media] = [await chatsOf(store, 'texts', 'chat'), await chatsOf(store, 'media', 'chat')];
    const rows = [
      syncRow(folder),
      ...bothWays('accept a text', 10_000, async (n) => {
        await acceptOneText(store, chatAt(texts, n));
      }),
      ...bothWays('life of a text', 5_000, (n) => textLife(store, chatAt(texts, n))),
      ...bothWays('life of a job', 3_000, (n) => jobLife(store, chatAt(media, n))),
    ];
    printTable(await measure(rows, ROUNDS), SYNC);
    await store.close();
    const backlogs = process.env['DRAGOMAN_DEEP'] === '1' ? [1_000, 100_000, 1_000_000] : [1_000, 100_000];
    for (const jobs of backlogs) await measureBacklog(folder, jobs);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
