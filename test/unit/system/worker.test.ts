import { readdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { newGuid } from '../../../src/base/ids.ts';
import { openStagingFolders } from '../../../src/staging/staging-folders.ts';
import { openMemoryStore } from '../../support/memory-store/memory-store.ts';
import type { WorkerStore } from '../../../src/store/store.ts';
import type { ClaimRequest } from '../../../src/store/work-store.ts';
import { parseConfig } from '../../../src/system/config.ts';
import { startWorker } from '../../../src/system/worker.ts';
import { acceptMedia, placeholderMessage, stagedMedia } from '../../support/store-records.ts';
import { addedBot } from '../../support/added-bot.ts';
import { isRunning, untilGone } from '../../support/pids.ts';
import { RecordingLogger } from '../../support/recording-logger.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';
import { chat } from '../../contract/store/subject.ts';

const stub = (name: string, mimeTypes: readonly string[], processor = 'audio', delayMs = 0) => ({
  name,
  mimeTypes,
  workers: 2,
  timeoutMs: 60_000,
  processor,
  processorOptions: { delayMs },
});

/** A store with one voice note and one video to turn into words, and the process that could. */
async function machine(delayMs = 0, audio: Readonly<Record<string, unknown>> = {}) {
  const clock = systemClock();
  const log = new RecordingLogger();
  const store = openMemoryStore({ clock, newClaimToken: newGuid });
  const staging = await openStagingFolders(await scratchFolder());
  const config = parseConfig({
    bots: [{ id: 'bot-a' }],
    pools: [
      { ...stub('audio', ['audio/ogg'], 'audio', delayMs), ...audio },
      stub('video', ['video/mp4'], 'video'),
      { ...stub('rest', [], 'unsupported'), processorOptions: {} },
    ],
  });
  const key = await chat(store, 'ann');
  const guids = [newGuid(), newGuid()];
  for (const [index, pool] of ['audio', 'video'].entries()) {
    const guid = guids[index] ?? '';
    await writeFile(staging.of('gateway-1').pathOf(guid), 'OggS');
    const start = { kind: 'staged', media: stagedMedia(pool) } as const;
    await store.accept(
      acceptMedia(key, placeholderMessage(index + 1, guid, { providerMessageId: null }), { start }),
    );
  }
  const claimable: ((pool: string) => void)[] = [];
  const claims: ClaimRequest[] = [];
  const shared: WorkerStore = {
    claim(request) {
      claims.push(request);
      return store.claim(request);
    },
    bots: () => store.bots(),
    heartbeat: (claim, until) => store.heartbeat(claim, until),
    complete: (claim, result, now) => store.complete(claim, result, now),
    release: (claim, now) => store.release(claim, now),
    postpone: (claim, at, error, now) => store.postpone(claim, at, error, now),
    reviveJobs: (now, maxAttempts) => store.reviveJobs(now, maxAttempts),
    jobByGuid: (guid) => store.jobByGuid(guid),
    onClaimable: (listener) => void claimable.push(listener),
    close: () => store.close(),
  };
  const start = async (...poolNames: readonly string[]) => {
    const onEscalation = (error: unknown) => log.error({ reason: String(error) }, 'escalated');
    const worker = await startWorker({
      config,
      poolNames,
      store: shared,
      staging,
      clock,
      log,
      onEscalation,
    });
    onTestFinished(() => worker.stop());
    return worker;
  };
  const statusOf = async (index: number) => (await store.jobByGuid(guids[index] ?? ''))?.status;
  return { store, staging, log, key, claimable, claims, start, statusOf };
}

describe('a worker’s process', () => {
  test('leaves the words on the job, removes the file, and delivers nothing', async () => {
    const { store, staging, start, statusOf, key } = await machine();
    await start();
    await expect.poll(() => statusOf(0)).toBe('completed');
    await expect.poll(() => statusOf(1)).toBe('completed');
    await expect.poll(() => staging.list()).toEqual([]);
    const { messages } = await store.rehydrate(key);
    expect(messages.map(({ mediaProcessingId }) => mediaProcessingId !== null)).toEqual([true, true]);
  });

  test('works for the pools it is told', async () => {
    const { start, statusOf } = await machine();
    await start('video');
    await expect.poll(() => statusOf(1)).toBe('completed');
    expect(await statusOf(0)).toBe('pending');
  });

  test('refuses a pool that is not there, and leaves nothing running', async () => {
    const { start, statusOf } = await machine();
    await expect(start('audio', 'voice')).rejects.toMatchObject({
      code: 'config_invalid',
      message: 'no pool is called voice: expected some of audio, video, rest',
    });
    expect(await statusOf(0)).toBe('pending');
  });

  test('stopped, gives back what it has in hand, untried', async () => {
    const { start, store, statusOf } = await machine(60_000);
    const worker = await start();
    await expect.poll(() => statusOf(0)).toBe('processing');
    await worker.stop();
    expect(await statusOf(0)).toBe('pending');
    const { jobs } = await store.listJobs({ collection: 'active', filter: {}, beforeSeq: null, limit: 9 });
    expect(jobs.map(({ attempts }) => attempts)).toEqual([0, 0]);
  });

  test('stopped, leaves no process of a processor', async () => {
    const folder = await scratchFolder();
    const { start, log } = await machine(0, {
      processor: fileURLToPath(new URL('../../support/known-processor.ts', import.meta.url)),
      processorOptions: { folder },
    });
    const worker = await start('audio');
    const pids = (await readdir(folder)).map(Number);
    expect(pids.filter(isRunning)).toHaveLength(1);
    await worker.stop();
    await Promise.all(pids.map(untilGone));
    expect(log.at('info')).toContain('a processor’s process is gone');
  });

  test('leaves a worker to a bot that was added at the backend', async () => {
    const { start, store, claimable, claims, statusOf } = await machine(60_000);
    await store.saveBot(addedBot('bot-b'));
    await start();
    await expect.poll(() => statusOf(0)).toBe('processing');
    for (const tell of claimable) tell('audio');
    await expect.poll(() => claims).toContainEqual(expect.objectContaining({ cappedBots: ['bot-a'] }));
  });

  test('is woken by what others make claimable', async () => {
    const { start, store, key, claimable, statusOf } = await machine();
    await start();
    await expect.poll(() => statusOf(0)).toBe('completed');
    const guid = newGuid();
    await store.accept(acceptMedia(key, placeholderMessage(3, guid)));
    for (const tell of claimable) tell('audio');
    await expect.poll(async () => (await store.jobByGuid(guid))?.status).toBe('completed');
  });
});
