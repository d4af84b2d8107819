import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { newGuid } from '../../../src/base/ids.ts';
import { ledgerOf } from '../../../src/processors/job-ledger.ts';
import { openStagingFolders } from '../../../src/staging/staging-folders.ts';
import { openMemoryStore } from '../../support/memory-store/memory-store.ts';
import { parseConfig } from '../../../src/system/config.ts';
import { prepareJobRuns } from '../../../src/system/job-runs.ts';
import { RecordingLogger } from '../../support/recording-logger.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

const REST = { name: 'rest', mimeTypes: [], workers: 1, timeoutMs: 1_000, processor: 'unsupported' };

async function prepare(settings: Readonly<Record<string, unknown>>, baseFolder?: string) {
  const clock = systemClock();
  const log = new RecordingLogger();
  const staging = await openStagingFolders(await scratchFolder());
  const config = parseConfig(settings, baseFolder && path.join(baseFolder, 'dragoman.json'));
  const store = openMemoryStore({ clock, newClaimToken: newGuid });
  const preparing = prepareJobRuns({ config, pools: config.pools, staging, clock, log });
  return { config, preparing, log, ledger: ledgerOf(store) };
}

test('a job’s lease outlives two heartbeats that are lost, and its tries are as many as is configured', async () => {
  const { config, preparing, ledger } = await prepare({ pools: [REST], leaseMs: 9_000, maxAttempts: 7 });
  const runs = await preparing;
  onTestFinished(() => runs.close());
  const [rest] = config.pools;
  if (rest === undefined) throw new Error('expected a pool');
  const { times, retry } = runs.runOf(rest, ledger);
  expect(times).toMatchObject({ timeoutMs: 1_000, leaseMs: 9_000, heartbeatMs: 3_000 });
  expect(retry.maxAttempts).toBe(7);
});

test('a pool whose processor cannot be made leaves no other pool’s processes', async () => {
  const folder = await scratchFolder();
  const source = `export const createProcessor = () => ({ processMedia: () => '' });`;
  await writeFile(path.join(folder, 'sound.mjs'), source);
  const sound = { ...REST, name: 'sound', mimeTypes: ['audio/ogg'], processor: './sound.mjs' };
  const broken = { ...REST, name: 'broken', mimeTypes: ['image/png'], processor: './missing.mjs' };
  const { preparing, log } = await prepare({ pools: [sound, broken, REST] }, folder);
  await expect(preparing).rejects.toMatchObject({
    code: 'config_invalid',
    message: expect.stringContaining('pool "broken"'),
  });
  const started = log.at('debug').filter((line) => line === 'a processor’s process starts');
  expect(started).toHaveLength(2);
  await expect
    .poll(() => log.at('info').filter((line) => line === 'a processor’s process is gone'))
    .toHaveLength(2);
});
