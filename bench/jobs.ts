/**
 * The whole durable life of a job, added, claimed, completed and delivered, on the embedded store, and how soon a worker
 * that waits has it: beside the plainest
 * three transactions that could do it, and beside other queues on servers of their own. Those are brought up by
 * peers/services.sh, and skipped where that cannot be done.
 */
import { type ChildProcess, execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describeError } from '../src/base/errors.ts';
import { newGuid } from '../src/base/ids.ts';
import type { ClaimedJob, CorrespondentKey } from '../src/jobs/job.ts';
import type { Store } from '../src/store/store.ts';
import { openStoreAt } from '../test/support/sqlite-subject.ts';
import {
  acceptMedia,
  fulfilled,
  HOUR_MS,
  keyOf,
  NOW,
  placeholderMessage,
  PROVIDER,
} from '../test/support/store-records.ts';
import { measure, printTable, row, type Row } from './measure.ts';

const IN_FLIGHT = 64;
const LIVES_ONE_BY_ONE = 300;
const STARTS = 1_000;
const LIVES_IN_FLIGHT = 2_000;
const LIVES_IN_FLOW = 6_000;
const ROUNDS = 3;
const START_PEERS_MS = 300_000;
const START_PEER_MS = 30_000;
const DRAGOMAN = 'Dragoman, SQLite';
const BOTS = 8;

/** Lets that many jobs live, so many at a time. */
type Lives = (lives: number, inFlight: number) => Promise<void> | void;

interface Subject {
  readonly name: string;
  readonly lives: Lives;
  /** Lets that many jobs live, so many of which are added at a time: each addition waits for none of their ends. */
  readonly flow?: Lives;
  /** How long each of so many jobs took from its adding to its start, one in flight, in milliseconds. */
  readonly starts?: (jobs: number) => Promise<readonly number[]>;
  readonly close: () => Promise<void> | void;
}

const PEERS = [
  { name: 'BullMQ, Redis, fsync always', program: 'bullmq.mjs', service: '6391' },
  { name: 'BullMQ, Redis, fsync every second', program: 'bullmq.mjs', service: '6390' },
  {
    name: 'graphile-worker, PostgreSQL',
    program: 'graphile.mjs',
    service: 'postgres://postgres@127.0.0.1:5490/postgres',
  },
];

const peerFile = (name: string): string => fileURLToPath(new URL(`./peers/${name}`, import.meta.url));

/** Each job is that of a medium in a chat, whose message is stored with it. */
async function dragoman(folder: string): Promise<Subject> {
  const store = await openStoreAt(join(folder, 'dragoman.db'));
  const lanes = Array.from(
    { length: IN_FLIGHT },
    (_, lane) => new Lane(store, keyOf(`chat-${lane}`, `bot-${lane % BOTS}`)),
  );
  await Promise.all(lanes.map((lane) => lane.open()));
  const lives: Lives = (count, inFlight) => taken(count, lanes.slice(0, inFlight), (lane) => lane.live());
  const flow: Lives = async (count, inFlight) => {
    const workers = new WaitingWorkers(store, count);
    const adding = taken(count, lanes.slice(0, inFlight), (lane) => {
      const added = lane.add();
      workers.tell();
      return added;
    });
    await Promise.all([adding, ...Array.from({ length: inFlight }, () => workers.work())]);
  };
  const starts = async (count: number): Promise<readonly number[]> => {
    const [lane] = lanes;
    const waits: number[] = [];
    if (lane === undefined) return waits;
    while (waits.length < count) waits.push(await lane.live());
    return waits;
  };
  return { name: DRAGOMAN, lives, flow, starts, close: () => store.close() };
}

/** Does something so many times, as often at once as there are lanes. */
async function taken(
  count: number,
  lanes: readonly Lane[],
  act: (lane: Lane) => Promise<unknown>,
): Promise<void> {
  let begun = 0;
  const inTurn = async (lane: Lane): Promise<void> => {
    while (begun < count) {
      begun += 1;
      await act(lane);
    }
  };
  await Promise.all(lanes.map(inTurn));
}

const claim = async (store: Store): Promise<ClaimedJob> => {
  const job = await store.claim({ pool: 'audio', now: NOW, leaseMs: HOUR_MS, cappedBots: [] });
  if (job === null) throw new Error('expected a claimable job');
  return job;
};

const settle = (store: Store, job: ClaimedJob): Promise<unknown> =>
  store.completeAndSettle({
    correspondent: job.correspondent,
    guid: job.guid,
    claimToken: job.claimToken,
    message: fulfilled(job.placeholder),
    evictedIds: [],
    error: null,
    words: 'words',
    completedAt: NOW,
  });

/** Workers that claim a job each time they are told of one, until there have been so many. */
class WaitingWorkers {
  readonly #store: Store;
  #unclaimed = 0;
  #left: number;
  #waiting: (() => void)[] = [];

  constructor(store: Store, jobs: number) {
    this.#store = store;
    this.#left = jobs;
  }

  tell(): void {
    this.#unclaimed += 1;
    this.#waiting.shift()?.();
  }

  async work(): Promise<void> {
    while (this.#left > 0) {
      if (this.#unclaimed === 0) {
        await new Promise<void>((resolve) => this.#waiting.push(resolve));
        continue;
      }
      this.#unclaimed -= 1;
      this.#left -= 1;
      await settle(this.#store, await claim(this.#store));
    }
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

/** One chat, with one job at a time of its own, and one that it claims and settles. */
class Lane {
  readonly #store: Store;
  readonly #key: CorrespondentKey;
  #nextId = 1;

  constructor(store: Store, key: CorrespondentKey) {
    this.#store = store;
    this.#key = key;
  }

  async open(): Promise<void> {
    const { botId, correspondentId } = this.#key;
    await this.#store.resolveCorrespondent(botId, PROVIDER, [correspondentId]);
  }

  add(): Promise<unknown> {
    const placeholder = placeholderMessage(this.#nextId, newGuid(), { providerMessageId: newGuid() });
    this.#nextId += 1;
    return this.#store.accept(acceptMedia(this.#key, placeholder));
  }

  /** Returns how long it took from the adding to the start, in milliseconds. */
  async live(): Promise<number> {
    const addedAt = performance.now();
    // As a worker that waits, which is told of the job while it is on its way.
    const [, job] = await Promise.all([this.add(), claim(this.#store)]);
    const startedAt = performance.now();
    await settle(this.#store, job);
    return startedAt - addedAt;
  }
}

/** Insert, mark as taken, delete: each a durable transaction in this thread, with no message, chat, lease or turn. */
function plainTransactions(folder: string): Subject {
  const database = new DatabaseSync(join(folder, 'plain.db'));
  database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
    CREATE TABLE jobs (seq INTEGER PRIMARY KEY, guid TEXT NOT NULL UNIQUE, status TEXT NOT NULL, data TEXT NOT NULL);
    CREATE INDEX pending ON jobs (seq) WHERE status = 'pending'`);
  const insert = database.prepare(`INSERT INTO jobs (guid, status, data) VALUES (?, 'pending', ?)`);
  const take = database.prepare(`UPDATE jobs SET status = 'processing'
    WHERE seq = (SELECT min(seq) FROM jobs WHERE status = 'pending') RETURNING guid`);
  const end = database.prepare('DELETE FROM jobs WHERE guid = ?');
  const data = JSON.stringify(placeholderMessage(1));
  const lives: Lives = (count) => {
    for (let life = 0; life < count; life += 1) {
      insert.run(newGuid(), data);
      end.run(take.get()?.['guid'] ?? null);
    }
  };
  return { name: 'three plain transactions', lives, close: () => database.close() };
}

async function peer({ name, program, service }: (typeof PEERS)[number]): Promise<Subject> {
  const child = fork(peerFile(program), [service]);
  await answerOf(child, AbortSignal.timeout(START_PEER_MS));
  const ask = async (count: number, inFlight: number, isFlow: boolean): Promise<void> => {
    child.send({ lives: count, inFlight, isFlow });
    await answerOf(child);
  };
  return {
    name,
    lives: (count, inFlight) => ask(count, inFlight, false),
    flow: (count, inFlight) => ask(count, inFlight, true),
    close: () => child.disconnect(),
  };
}

async function answerOf(child: ChildProcess, signal?: AbortSignal): Promise<void> {
  const over = new AbortController();
  const deadline = signal === undefined ? over.signal : AbortSignal.any([signal, over.signal]);
  const ended = once(child, 'exit', { signal: deadline }).then(([code]) => {
    throw new Error(`the peer ended with ${code}`);
  });
  try {
    await Promise.race([once(child, 'message', { signal: deadline }), ended]);
  } finally {
    over.abort();
    ended.catch(() => {});
  }
}

/** Those of the peers that can be had; says why of the others. */
async function startPeers(): Promise<readonly Subject[]> {
  try {
    await promisify(execFile)(peerFile('services.sh'), ['start'], { timeout: START_PEERS_MS });
  } catch (error) {
    const reason = describeError(error).trim().split('\n').at(-1);
    for (const { name } of PEERS) console.log(`${name}: skipped: ${reason}`);
    return [];
  }
  const subjects: Subject[] = [];
  for (const each of PEERS) {
    try {
      subjects.push(await peer(each));
    } catch (error) {
      console.log(`${each.name}: skipped: ${describeError(error)}`);
    }
  }
  return subjects;
}

function percentiles(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): string => `${sorted[Math.floor(sorted.length * share)]?.toFixed(2)} ms`;
  return `p50 ${at(0.5)}, p99 ${at(0.99)}`;
}

const rowOf = (name: string, lives: Lives, operations: number, inFlight: number): Row<unknown> =>
  row({ name, operations, prepare: () => null, run: () => lives(operations, inFlight) });

export async function run(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'dragoman-bench-'));
  const ours = await dragoman(folder);
  const plain = plainTransactions(folder);
  const peers = await startPeers();
  try {
    console.log('lives of a job, one by one');
    const oneByOne = [ours, plain, ...peers].map(({ name, lives }) =>
      rowOf(name, lives, LIVES_ONE_BY_ONE, 1),
    );
    printTable(await measure(oneByOne, ROUNDS), DRAGOMAN);
    const waits = await ours.starts?.(STARTS);
    if (waits !== undefined) console.log(`\n${DRAGOMAN}, add → start, one in flight: ${percentiles(waits)}`);
    console.log(`\nlives of a job, ${IN_FLIGHT} in flight`);
    const inFlight = [ours, ...peers].map(({ name, lives }) =>
      rowOf(name, lives, LIVES_IN_FLIGHT, IN_FLIGHT),
    );
    printTable(await measure(inFlight, ROUNDS), DRAGOMAN);
    console.log(
      `\nlives of a job, ${IN_FLIGHT} being added and as many carried out, whatever waits in between`,
    );
    const flows = [ours, ...peers].flatMap(({ name, flow }) =>
      flow === undefined ? [] : [rowOf(name, flow, LIVES_IN_FLOW, IN_FLIGHT)],
    );
    printTable(await measure(flows, ROUNDS), DRAGOMAN);
  } finally {
    for (const subject of [ours, plain, ...peers]) await subject.close();
    rmSync(folder, { recursive: true });
    await promisify(execFile)(peerFile('services.sh'), ['stop']).catch(() => {});
  }
}
