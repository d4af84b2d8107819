import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { DEFAULT_POOLS } from '../../../src/jobs/pools.ts';
import type { ScenarioStep } from '../../../src/simulator/scenario.ts';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts';
import type { Store } from '../../../src/store/store.ts';
import { DragomanProcess } from '../dragoman-process.ts';
import type { CrashStore } from './crash-store.ts';

/** How one process dies. */
export type Blow =
  /** `drains`: it is told to stop, and dies over that. */
  | { readonly kind: 'failpoint'; readonly name: string; readonly nth: number; readonly drains: boolean }
  | { readonly kind: 'moment'; readonly after: 'spawned' | 'up'; readonly waitMs: number };

export interface CrashOptions {
  readonly folder: string;
  readonly store: CrashStore;
  readonly blows: readonly Blow[];
  /** Told of each blow, before it. */
  readonly told?: (blow: Blow) => void;
}

/** What is not as it would be had no process died. */
export interface CrashReport {
  readonly sent: number;
  readonly kills: number;
  /** Failpoints that no process came to. */
  readonly unreached: readonly string[];
  /** Texts and captions that are not in the history, are there twice, are not in their place, or are not what they should be. */
  readonly lost: readonly string[];
  readonly doubled: readonly string[];
  readonly misplaced: readonly string[];
  readonly wrong: readonly string[];
  /** Journal entries, live jobs, dead letters and staged files. */
  readonly leftovers: readonly string[];
}

const SEED = 'crash';
const REACH_DEADLINE_MS = 40_000;
const REST_DEADLINE_MS = 90_000;
const POLL_MS = 50;
const BETWEEN_ROUNDS_MS = 250;
/** Messages that were sent and are not in the history. */
const MOST_WAITING = 24;
/** A job longer than its heartbeat, and one that is in hand when a process is told to stop. */
const VIDEO_DELAY_MS = 1_500;
const WHOLE = { afterSeq: 0, limit: 100_000 };
/** `Ana 12`, after the words of its medium if it is one. */
const LABELLED =
  /^(\[Transcripted (?:image|video|document) multimedia message with guid='[0-9a-f-]{36}'\] )?(.*) (\d+)$/;

/** Plays a conversation while one process after the other dies, and tells what that did to it. */
export async function runCrashes({ folder, store, blows, told }: CrashOptions): Promise<CrashReport> {
  const simulator = await startSimulator({ seed: SEED, autoScan: true });
  simulator.group('Trip', ['Ana', 'Bruno']);
  const config = await writeConfig(folder, {
    store: store.location,
    simulator: simulator.endpoint.mediaOrigin,
    // A job that is in hand whenever a process dies is no poison.
    maxAttempts: blows.length + 2,
  });
  const first = DragomanProcess.spawnScript('failpoint-process.ts', config);
  try {
    await first.printed(/: open$/m);
  } finally {
    await first.kill();
  }
  const talk = new Talk(simulator, store);
  try {
    const talking = talk.untilToldToStop();
    // Heard below, unless something else has failed by then.
    talking.catch(() => {});
    const unreached = await strike(config, blows, told);
    talk.stop();
    await talking;
    await comeToRest(config, store, talk.sent);
    return { kills: blows.length + 1, unreached, ...(await compare(folder, store, talk)) };
  } finally {
    talk.stop();
    await simulator.close();
  }
}

async function strike(
  config: string,
  blows: readonly Blow[],
  told: CrashOptions['told'],
): Promise<readonly string[]> {
  const unreached: string[] = [];
  for (const blow of blows) {
    told?.(blow);
    if (blow.kind === 'moment') await killAt(config, blow);
    else if (!(await killedAt(config, blow))) unreached.push(blow.name);
  }
  return unreached;
}

async function killAt(config: string, { after, waitMs }: Extract<Blow, { kind: 'moment' }>): Promise<void> {
  const dragoman = DragomanProcess.spawnScript('failpoint-process.ts', config);
  try {
    if (after === 'up') await dragoman.printed(/Dragoman is up/);
    await pause(waitMs);
  } finally {
    await dragoman.kill();
  }
}

/** False when the process did not come to its failpoint in time. */
async function killedAt(
  config: string,
  { name, nth, drains }: Extract<Blow, { kind: 'failpoint' }>,
): Promise<boolean> {
  const dragoman = DragomanProcess.spawnScript('failpoint-process.ts', config, name, String(nth));
  const given = new AbortController();
  const tooLate = pause(REACH_DEADLINE_MS, 'too late' as const, { signal: given.signal }).catch(
    () => 'over' as const,
  );
  try {
    if (drains) {
      // A job whose lease is prolonged is in hand for a while yet. The process may die before.
      await Promise.race([dragoman.printed(/came by heartbeat\.after/), dragoman.exited(), tooLate]).catch(
        () => {},
      );
      dragoman.signal('SIGTERM');
    }
    await Promise.race([dragoman.exited(), tooLate]);
    return dragoman.stdout.includes(`died at ${name}\n`);
  } finally {
    given.abort();
    await dragoman.kill();
  }
}

/** A last process, undisturbed, brings everything to its end. */
async function comeToRest(config: string, store: CrashStore, sent: number): Promise<void> {
  const dragoman = DragomanProcess.spawnScript('failpoint-process.ts', config);
  const deadline = performance.now() + REST_DEADLINE_MS;
  try {
    await dragoman.printed(/: open$/m);
    while ((await store.countHistory()) < sent && performance.now() < deadline) await pause(POLL_MS);
    const exitCode = await dragoman.stop();
    if (exitCode !== 0) throw new Error(`the drain ended with ${exitCode}: ${dragoman.stderr.slice(-4_000)}`);
  } finally {
    await dragoman.kill();
  }
}

/** What two people say, alone and in a group: each text and caption names its chat and its place there. */
class Talk {
  readonly #simulator: Simulator;
  readonly #store: CrashStore;
  readonly #counts = new Map<string, number>();
  #isOver = false;
  sent = 0;

  constructor(simulator: Simulator, store: CrashStore) {
    this.#simulator = simulator;
    this.#store = store;
  }

  /** Of each chat, how much was said. */
  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  stop(): void {
    this.#isOver = true;
  }

  async untilToldToStop(): Promise<void> {
    while (!this.#isOver) {
      await pause(BETWEEN_ROUNDS_MS);
      // A process that dies again and again gets little done: what waits must not grow without end.
      if (this.sent - (await this.#store.countHistory()) >= MOST_WAITING) continue;
      this.sent += (await this.#simulator.play(this.#round())).length;
    }
  }

  #round(): ScenarioStep[] {
    return [
      { from: 'Ana', text: this.#label('Ana') },
      { from: 'Ana', image: 3_000, caption: this.#label('Ana') },
      { from: 'Bruno', video: 2_000, caption: this.#label('Bruno') },
      { from: 'Bruno', text: this.#label('Bruno') },
      { from: 'Ana', in: 'Trip', document: 1_000, fileName: 'plan.pdf', caption: this.#label('Trip') },
      { from: 'Ana', in: 'Trip', text: this.#label('Trip') },
    ];
  }

  #label(chat: string): string {
    const count = (this.#counts.get(chat) ?? 0) + 1;
    this.#counts.set(chat, count);
    return `${chat} ${count}`;
  }
}

async function compare(folder: string, crashStore: CrashStore, { counts, sent }: Talk) {
  const store = await crashStore.open();
  try {
    const seen = new Map<string, number>();
    const misplaced: string[] = [];
    const wrong: string[] = [];
    for (const chat of await store.correspondents('main')) {
      const entries = await store.history(chat, WHOLE);
      let last = 0;
      for (const { message } of entries.toSorted((one, other) => one.message.id - other.message.id)) {
        const [, words, name, number] = LABELLED.exec(message.content) ?? [];
        if (name === undefined || (message.mimeType !== null) !== (words !== undefined)) {
          wrong.push(message.content);
          continue;
        }
        if (Number(number) < last) misplaced.push(`${name} ${number}`);
        last = Number(number);
        seen.set(`${name} ${number}`, (seen.get(`${name} ${number}`) ?? 0) + 1);
      }
    }
    const wanted = Array.from(counts, ([chat, count]) =>
      Array.from({ length: count }, (_, index) => `${chat} ${index + 1}`),
    ).flat();
    return {
      sent,
      lost: wanted.filter((label) => !seen.has(label)),
      doubled: [...seen].filter(([, times]) => times > 1).map(([label]) => label),
      misplaced,
      wrong,
      leftovers: await leftoversIn(folder, store),
    };
  } finally {
    await store.close();
  }
}

async function leftoversIn(folder: string, store: Store): Promise<string[]> {
  const files = await readdir(path.join(folder, 'staging'));
  return [
    ...(await store.chatsWithJournal('main')).map(() => 'a journal entry'),
    ...(await store.countJobs()).map(
      ({ collection, status, count }) => `${count} jobs ${collection} ${status}`,
    ),
    ...files.filter((name) => /^[0-9a-f]{8}-/.test(name)).map((name) => `the file ${name}`),
  ];
}

async function writeConfig(
  folder: string,
  settings: { readonly store: string; readonly simulator: string; readonly maxAttempts: number },
): Promise<string> {
  const file = path.join(folder, 'dragoman.json');
  const config = {
    dataFolder: folder,
    stagingFolder: path.join(folder, 'staging'),
    ...settings,
    listen: { port: 0 },
    http: { enabled: false },
    leaseMs: 2_000,
    log: { level: 'warn' },
    pools: DEFAULT_POOLS.map((pool) => {
      if (['corrupt', 'unsupported'].includes(pool.processor)) return pool;
      const delayMs = pool.name === 'video' ? VIDEO_DELAY_MS : 100;
      return { ...pool, workers: 4, processorOptions: { delayMs } };
    }),
  };
  await writeFile(file, JSON.stringify(config));
  return file;
}
