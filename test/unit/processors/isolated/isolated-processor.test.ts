import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { AttemptOutcome } from '../../../../src/processors/base-media-processor.ts';
import { IsolatedProcessor } from '../../../../src/processors/isolated/isolated-processor.ts';
import { claimedJob } from '../../../support/claimed-job.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { isRunning, untilGone } from '../../../support/pids.ts';
import { RecordingLogger } from '../../../support/recording-logger.ts';
import { scratchFolder } from '../../../support/scratch-folder.ts';
import { placeholderMessage } from '../../../support/store-records.ts';
import { written } from '../../../support/written.ts';

const MISCHIEF = fileURLToPath(new URL('../../../support/mischief-processor.ts', import.meta.url));
/** Processes start slowly on a machine that has other things to do. */
vi.setConfig({ testTimeout: 30_000 });

const TIMEOUT_MS = 20_000;
const LONGER_THAN_ITS_GRACE_MS = 10_000;

/** The processor under test, asked by caption. */
async function mischief({ workers = 1, maxMemoryMb = 256, module = MISCHIEF, options = {} } = {}) {
  const clock = new ManualClock();
  const log = new RecordingLogger();
  const processor = await IsolatedProcessor.start({
    module: { file: module, options, maxMemoryMb },
    workers,
    clock,
    log,
  });
  onTestFinished(() => processor.close());
  const stop = new AbortController();
  const attempt = (caption: string, file = '/nowhere'): Promise<AttemptOutcome> => {
    const job = claimedJob();
    return processor.process(
      { ...job, placeholder: placeholderMessage(1, job.guid, { content: caption }) },
      { path: file, bytes: null, sha256: null },
      { clock, timeoutMs: TIMEOUT_MS },
      stop.signal,
    );
  };
  return { clock, log, processor, stop, attempt, pid: async () => pidOf(await attempt('pid')) };
}

function pidOf(outcome: AttemptOutcome): number {
  if (outcome.kind !== 'completed') throw new Error(`expected words, got ${outcome.kind}`);
  return Number(outcome.result.words);
}

const failed = (reason: unknown) => ({
  kind: 'completed',
  result: { kind: 'failure', words: 'Media processing failed', error: { code: 'failed', reason } },
});
const died = (how: RegExp) => ({
  kind: 'retryable',
  error: { code: 'worker_died', reason: expect.stringMatching(how) },
});
const TIMED_OUT = { kind: 'completed', result: { kind: 'failure', words: 'Processing timed out' } };

describe('a processor in a process of its own', () => {
  test('does one job after another in the same process', async () => {
    const { pid } = await mischief();
    const first = await pid();
    expect(first).not.toBe(process.pid);
    expect(await pid()).toBe(first);
  });

  test('that throws undefined fails its job, and does the next', async () => {
    const { attempt, pid } = await mischief();
    const first = await pid();
    expect(await attempt('throw undefined')).toMatchObject(failed('threw a value of type undefined'));
    expect(await pid()).toBe(first);
  });

  test('says across the border what may pass by itself', async () => {
    const { attempt } = await mischief();
    expect(await attempt('throw 503')).toMatchObject({
      kind: 'retryable',
      error: { code: 'failed', reason: 'the model is loading', stack: expect.stringContaining('mischief') },
    });
  });

  test('that returns no words fails its job; of too many words those that are kept come across', async () => {
    const { attempt } = await mischief();
    expect(await attempt('return a buffer')).toMatchObject(failed('expected words (a string), got object'));
    const outcome = await attempt('return too much');
    expect(outcome).toMatchObject({ result: { words: expect.stringMatching(/^word word/) } });
  });

  test.each([
    ['exit', /exit code 7/],
    ['hang up', /SIGKILL/],
    ['throw later', /exit code 1.*nobody caught this/s],
    ['eat buffers', /^expected an answer, got SIGKILL more than 256 MiB of memory/],
    ['eat heap', /SIG(KILL|ABRT|TRAP)/],
  ])(
    'I1: asked to %s dies, as its own job may say, and does the next in another process',
    async (what, how) => {
      const { attempt, pid } = await mischief();
      const first = await pid();
      expect(await attempt(what)).toMatchObject(died(how));
      expect(await pid()).not.toBe(first);
    },
  );

  test('that ends leaves nothing of what it has started', async () => {
    const { attempt } = await mischief();
    const file = path.join(await scratchFolder(), 'pids');
    expect(await attempt('spawn and exit', file)).toMatchObject(died(/exit code 7/));
    const pids = (await written(file, /^\d+ \d+$/)).split(' ').map(Number);
    await Promise.all(pids.map(untilGone));
  });

  test('that prints and prints is remembered by its last words alone', async () => {
    const { attempt } = await mischief();
    const how = /^expected an answer, got exit code 7 x{800,} the end$/;
    expect(await attempt('print a lot and exit')).toMatchObject(died(how));
  });

  test('I1: killed between two jobs does the next in another process', async () => {
    const { pid } = await mischief();
    const first = await pid();
    process.kill(first, 'SIGKILL');
    await untilGone(first);
    expect(await pid()).not.toBe(first);
  });
});

describe('I2: a job that takes too long', () => {
  test.each(['never return', 'block'])(
    'asked to %s is over at its deadline, and its process is killed after the grace',
    async (what) => {
      const { attempt, pid, clock } = await mischief();
      const first = await pid();
      const outcome = attempt(what);
      clock.advance(TIMEOUT_MS);
      expect(await outcome).toMatchObject(TIMED_OUT);
      expect(isRunning(first)).toBe(true);
      clock.advance(LONGER_THAN_ITS_GRACE_MS);
      await untilGone(first);
      expect(await pid()).not.toBe(first);
      expect(clock.pendingTimers).toBe(0);
    },
  );

  test('I1: leaves room for others: while one blocks its processor, another job becomes words', async () => {
    const { attempt, pid, clock } = await mischief({ workers: 2 });
    const blocked = attempt('block');
    const other = await pid();
    expect(other).not.toBe(process.pid);
    clock.advance(TIMEOUT_MS);
    expect(await blocked).toMatchObject(TIMED_OUT);
    expect(await pid()).toBe(other);
  });

  test('that ends within its grace leaves the process that has taken its place, and no other', async () => {
    const { attempt, pid, clock } = await mischief();
    const first = await pid();
    const late = attempt('end late after abort');
    clock.advance(TIMEOUT_MS);
    expect(await late).toMatchObject(TIMED_OUT);
    const second = await pid();
    expect(second).not.toBe(first);
    expect(await pid()).toBe(second);
    await untilGone(first);
    expect(await pid()).toBe(second);
  });

  test('is withdrawn at once when its worker stops', async () => {
    const { attempt, stop } = await mischief();
    const outcome = attempt('never return');
    stop.abort();
    expect(await outcome).toEqual({ kind: 'aborted' });
  });
});

test('of processes that end more jobs at once than there are workers, as many stay', async () => {
  const folder = await scratchFolder();
  const { attempt, log } = await mischief({ options: { folder } });
  await Promise.all(Array.from({ length: 3 }, () => attempt('meet two others')));
  const started = log.at('debug').length;
  await attempt('pid');
  expect(log.at('debug')).toHaveLength(started);
});

test('a module that loads slowly is not started anew by each job that cannot wait for it', async () => {
  const folder = await scratchFolder();
  const [module, slow] = [path.join(folder, 'module.mjs'), path.join(folder, 'slow')];
  await writeFile(
    module,
    `import { existsSync } from 'node:fs';
    import { setTimeout as pause } from 'node:timers/promises';
    while (existsSync(${JSON.stringify(slow)})) await pause(10);
    export const createProcessor = () => ({ processMedia: () => process.exit(1) });`,
  );
  const { attempt, clock, log, processor } = await mischief({ module });
  await writeFile(slow, '');
  expect(await attempt('')).toMatchObject(died(/exit code 1/));
  const outcomes = Array.from({ length: 5 }, () => attempt(''));

  clock.advance(TIMEOUT_MS);
  for (const outcome of await Promise.all(outcomes)) expect(outcome).toMatchObject(TIMED_OUT);
  await processor.close();
  expect(log.at('debug').filter((line) => line.includes('starts'))).toHaveLength(2);
});

test('a module that could be loaded before, and cannot be now, has the job tried again', async () => {
  const folder = await scratchFolder();
  const [module, key] = [path.join(folder, 'module.mjs'), path.join(folder, 'key')];
  await writeFile(key, '');
  await writeFile(
    module,
    `import { readFileSync } from 'node:fs';
    export const createProcessor = () => {
      readFileSync(${JSON.stringify(key)});
      return { processMedia: () => process.exit(1) };
    };`,
  );
  const { attempt } = await mischief({ module });
  expect(await attempt('')).toMatchObject(died(/exit code 1/));
  await rm(key);
  expect(await attempt('')).toMatchObject({
    kind: 'retryable',
    error: { code: 'failed', reason: expect.stringContaining('ENOENT') },
  });
  await writeFile(key, '');
  expect(await attempt('')).toMatchObject(died(/exit code 1/));
});

describe('I3: a closed processor', () => {
  test('leaves no process, not even those that its processes have started', async () => {
    const { attempt, processor } = await mischief();
    const file = path.join(await scratchFolder(), 'pids');
    const outcome = attempt('spawn and block', file);
    const pids = (await written(file, /^\d+ \d+$/)).split(' ').map(Number);
    await processor.close();
    await Promise.all(pids.map(untilGone));
    expect(await outcome).toMatchObject(died(/SIGKILL/));
  });

  test('starts none', async () => {
    const { attempt, processor } = await mischief();
    await processor.close();
    expect(await attempt('pid')).toMatchObject(failed('the processor is closed'));
  });
});
