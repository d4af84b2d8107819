import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { stagedFiles } from '../support/crash/compare.ts';
import { writeCrashConfig } from '../support/crash/crash-config.ts';
import { type CrashStore, mongoCrashStore, sqliteCrashStore } from '../support/crash/crash-store.ts';
import { urlOf } from '../support/crash/lives.ts';
import { DragomanProcess } from '../support/dragoman-process.ts';
import { MONGODB_URL, SKIPPED } from '../support/mongo-subject.ts';
import { scratchFolder } from '../support/scratch-folder.ts';

/** Long before anything is old, or the gateway looks through its folder by itself. */
const SECONDS_MS = 20_000;

async function reservedBytes(url: string): Promise<number> {
  const metrics = await (await fetch(new URL('/metrics', url))).text();
  return Number(/^dragoman_gateway_staging_reserved_bytes (\d+)$/m.exec(metrics)?.[1]);
}

/** One that is killed when its first voice note is settled, and whose file is still there; then another one. */
async function restartedWithLeftover(
  storeIn: (folder: string) => CrashStore,
): Promise<{ readonly url: string; readonly folder: string }> {
  const folder = await scratchFolder();
  await mkdir(path.join(folder, 'staging'));
  const store = storeIn(folder);
  onTestFinished(() => store.dispose());
  const simulator = await startSimulator({ seed: 'leftover', autoScan: true });
  onTestFinished(() => simulator.close());
  const config = await writeCrashConfig(folder, {
    store: store.location,
    simulator: simulator.endpoint.mediaOrigin,
    maxAttempts: 9,
    processedBy: 'backend',
    withStrictBot: false,
  });
  const spawn = (...args: readonly string[]): DragomanProcess => {
    const dragoman = DragomanProcess.spawnScript('failpoint-process.ts', config, ...args);
    onTestFinished(() => dragoman.kill());
    return dragoman;
  };
  const killed = spawn('completeAndSettle.after');
  await killed.printed(/main: open$/m);
  await simulator.play([{ from: 'Ana', voice: 4_000 }]);
  await killed.exited();
  expect(killed.stdout).toContain('died at completeAndSettle.after');
  expect(await stagedFiles(folder)).toHaveLength(1);
  await store.endLease();
  return { url: await urlOf(spawn()), folder };
}

test.for([
  ['SQLite', sqliteCrashStore, false],
  ['MongoDB', mongoCrashStore, MONGODB_URL === undefined],
] as const)(
  'killed when a voice note is settled and its file is not deleted yet, it frees file and quota soon after its start: on %s',
  async ([name, storeIn, isSkipped], { skip }) => {
    skip(isSkipped, `${name}: ${SKIPPED}`);
    const { url, folder } = await restartedWithLeftover(storeIn);
    await expect.poll(() => stagedFiles(folder), { timeout: SECONDS_MS }).toEqual([]);
    await expect.poll(() => reservedBytes(url), { timeout: SECONDS_MS }).toBe(0);
  },
);
