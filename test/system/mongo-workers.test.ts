import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { media, mustClaim } from '../contract/store/jobs.ts';
import { chat } from '../contract/store/subject.ts';
import { DragomanProcess } from '../support/dragoman-process.ts';
import { type MediaWorks, startMediaWorks } from '../support/media-works.ts';
import { MONGODB_URL, openStoreOn, SKIPPED, TestDatabase } from '../support/mongo-subject.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { Spawned } from '../support/spawned.ts';
import { byChat, type Note, remembered, sayAll } from '../support/voice-notes.ts';

const DEEP = process.env['DRAGOMAN_DEEP'] === '1';
const WORKERS = DEEP ? 4 : 2;
const KILLS = DEEP ? 60 : 3;
const KILL_EVERY_MS = 1_000;
/** A busy server is none that is away: the link stays. */
const PATIENCE_MS = 120_000;
const TALK = { bots: ['alpha', 'beta'], chatsPerBot: DEEP ? 40 : 4, notes: DEEP ? 5_000 : 48 };

if (MONGODB_URL === undefined) console.warn(`dragoman worker: ${SKIPPED}`);

/** A backend that leaves the work to others, and what starts these. */
async function sharedWorks() {
  const database = new TestDatabase();
  onTestFinished(() => database.drop());
  const works = await startMediaWorks({
    bots: TALK.bots,
    processor: new URL('../support/known-processor.ts', import.meta.url),
    pool: { workers: 4, processorOptions: { folder: await scratchFolder() } },
    config: {
      store: database.url,
      processedBy: 'workers',
      leaseMs: 1_000,
      maxAttempts: KILLS + 1,
      log: { level: 'info' },
    },
    openStore: () => openStoreOn(database.url, PATIENCE_MS),
  });
  const file = path.join(await scratchFolder(), 'dragoman.json');
  await writeFile(file, JSON.stringify({ ...works.settings, stagingFolder: works.staging.dir }));
  const hire = async (): Promise<DragomanProcess> => {
    const worker = DragomanProcess.spawn('worker', '--config', file);
    onTestFinished(() => worker.kill());
    await worker.printed(/This worker is up/);
    return worker;
  };
  const health = async (): Promise<unknown> => {
    const asking = DragomanProcess.spawn('health', 'worker', '--config', file, '--json');
    await asking.exited();
    return JSON.parse(asking.stdout);
  };
  return { ...works, hire, health };
}

/** Waits until everything is in the history; nothing is left of it anywhere else. */
async function historyOnceSettled(works: MediaWorks, said: readonly Note[]): Promise<readonly Note[]> {
  await works.untilIngested(said.length);
  expect(works.events.filter(({ kind }) => kind === 'fulfilled')).toHaveLength(said.length);
  expect(await works.store.countJobs()).toEqual([]);
  expect(await works.staging.list()).toEqual([]);
  return remembered(works, TALK);
}

test('without MongoDB, or without the staging folder, a worker says what it needs and exits 78', async () => {
  const folder = await scratchFolder();
  const refusal = async (settings: Readonly<Record<string, unknown>>): Promise<string> => {
    const file = path.join(folder, 'dragoman.json');
    await writeFile(file, JSON.stringify(settings));
    const worker = DragomanProcess.spawn('worker', '--config', file);
    expect(await worker.exited()).toBe(78);
    return worker.stderr;
  };
  expect(await refusal({})).toMatch(/needs store: mongodb.*on SQLite the workers are the backend's children/);
  const store = 'mongodb://127.0.0.1:9/dragoman';
  expect(await refusal({ store, stagingFolder: 'nowhere' })).toMatch(
    /mount the folder that gateway and backend/,
  );
});

describe.skipIf(MONGODB_URL === undefined)('dragoman worker', () => {
  test('does what the backend leaves to it, gives back what it has in hand when it is told to stop, and exits 0', async () => {
    const works = await sharedWorks();
    const first = await works.hire();
    const saying = sayAll(works, TALK);
    await first.logged(/job completed/);
    const second = await works.hire();
    expect(await first.stop()).toBe(0);
    expect(await works.health()).toMatchObject({ state: 'alive', processes: [{ pid: second.pid }] });
    const said = await saying;
    expect(byChat(await historyOnceSettled(works, said))).toEqual(byChat(said));
    expect(works.log.at('info')).not.toContain('job completed');
  });

  test('a process that died in the middle of a transaction keeps nobody from claiming', async () => {
    const database = new TestDatabase();
    onTestFinished(() => database.drop());
    const store = await openStoreOn(database.url);
    onTestFinished(() => store.close());
    const key = await chat(store, 'ann');
    const guid = await media(store, key);
    const dying = Spawned.start('./abandoning-process.ts', database.url, `dragoman:${database.name}`);
    await expect.poll(() => dying.lines, { timeout: 30_000 }).toEqual(['open']);
    await dying.kill();
    expect((await mustClaim(store)).guid).toBe(guid);
  });

  test('killed again and again, loses no job: each text is settled once, in its place', async () => {
    const works = await sharedWorks();
    const workers = await Promise.all(Array.from({ length: WORKERS }, works.hire));
    const killing = async (): Promise<void> => {
      for (let kill = 0; kill < KILLS; kill += 1) {
        await pause(KILL_EVERY_MS);
        const victim = workers.shift();
        await victim?.kill();
        workers.push(await works.hire());
      }
    };
    const [said] = await Promise.all([sayAll(works, TALK), killing()]);
    expect(byChat(await historyOnceSettled(works, said))).toEqual(byChat(said));
  });
});
