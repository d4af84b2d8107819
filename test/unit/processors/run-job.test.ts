import { describe, expect, test, vi } from 'vitest';
import { DragomanError } from '../../../src/base/errors.ts';
import { DEFAULT_RETRY } from '../../../src/jobs/retry.ts';
import type { BaseMediaProcessor } from '../../../src/processors/base-media-processor.ts';
import { CorruptProcessor } from '../../../src/processors/corrupt-processor.ts';
import { DEFAULT_JOB_TIMES, runJob } from '../../../src/processors/run-job.ts';
import { UnsupportedProcessor } from '../../../src/processors/unsupported-processor.ts';
import { claimedJob } from '../../support/claimed-job.ts';
import { endlessProcessor, FunctionProcessor } from '../../support/function-processor.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { passTimeUntil } from '../../support/pass-time.ts';
import { RecordingLogger } from '../../support/recording-logger.ts';
import { ScriptedLedger } from '../../support/scripted-ledger.ts';

const words = new FunctionProcessor(async () => 'a dog');
const bug = new FunctionProcessor(async () => {
  throw new Error('no decoder');
});
const busy = new FunctionProcessor(async () => {
  throw new DragomanError('processing_retryable', 'busy');
});

function worker(processor: BaseMediaProcessor, overrides: Parameters<typeof claimedJob>[0] = {}) {
  const job = claimedJob(overrides);
  const clock = new ManualClock();
  const ledger = new ScriptedLedger(job);
  const log = new RecordingLogger();
  const removed: string[] = [];
  const stop = new AbortController();
  const files = {
    pathOf: (guid: string) => `/staging/${guid}`,
    remove: async (guid: string) => void removed.push(guid),
  };
  const times = { ...DEFAULT_JOB_TIMES, timeoutMs: 120_000 };
  const run = ({ removal = files.remove, random = (): number => 1 } = {}) =>
    runJob(
      job,
      {
        processor,
        ledger,
        filesOf: () => ({ ...files, remove: removal }),
        clock,
        log,
        random,
        times,
        retry: DEFAULT_RETRY,
      },
      stop.signal,
    );
  return { job, clock, ledger, log, removed, stop, run };
}

/** How long a job that may pass by itself waits for its next attempt. */
async function putOff(random: number): Promise<number> {
  const { clock, run } = worker(busy);
  const outcome = await run({ random: () => random });
  return outcome.kind === 'postponed' ? outcome.availableAt - clock.now() : Number.NaN;
}

/** Of the line that ends its job. */
async function levelWith(processor: BaseMediaProcessor, overrides = {}) {
  const { run, log } = worker(processor, overrides);
  await run();
  return log.lines.find(({ message }) => message === 'job completed')?.level;
}

test('a processor that fails is warned of; a medium that is damaged, and words, are told', async () => {
  expect(await levelWith(bug)).toBe('warn');
  expect(await levelWith(words)).toBe('info');
  expect(await levelWith(new CorruptProcessor(), { mimeType: 'media_corrupt_audio' })).toBe('info');
});

test('the line that ends a job tells whose it was, which attempt, how long it took, and what went wrong', async () => {
  const { job, run, log, clock } = worker(endlessProcessor(true), { attempts: 1 });
  const outcome = run();
  clock.advance(120_000);
  await outcome;
  expect(log.lines.at(-1)).toMatchObject({
    message: 'job completed',
    fields: {
      guid: job.guid,
      bot_id: 'bot-a',
      pool: 'image',
      attempt: 2,
      duration_ms: 120_000,
      failure: 'timed_out',
    },
  });
});

describe('a job that becomes words', () => {
  test('R1: is completed, then its file goes', async () => {
    const { job, ledger, removed, run, clock } = worker(words);
    expect(await run()).toEqual({
      kind: 'completed',
      result: { kind: 'words', words: 'a dog' },
      completedAt: clock.now(),
      isSettled: false,
    });
    expect(ledger.stored).toMatchObject({ status: 'completed', result: 'a dog', error: null });
    expect(removed).toEqual([job.guid]);
    expect(clock.pendingTimers).toBe(0);
  });

  test('R1: keeps its file while it is not durable', async () => {
    const { ledger, removed, run, clock } = worker(words);
    ledger.script('complete', 'never');
    expect(await passTimeUntil(run(), clock)).toEqual({ kind: 'unsaved' });
    expect(removed).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });

  test('is completed even when its file cannot be deleted', async () => {
    const { run } = worker(words);
    const outcome = await run({ removal: () => Promise.reject(new Error('EACCES')) });
    expect(outcome.kind).toBe('completed');
  });
});

test('R3: a lack of file handles is no attempt, however long it lasts', async () => {
  let lacking = 10;
  const { job, ledger, run, clock } = worker(
    new FunctionProcessor(async () => {
      lacking -= 1;
      if (lacking >= 0) throw Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' });
      return 'a dog';
    }),
  );
  expect(await passTimeUntil(run(), clock)).toMatchObject({ kind: 'completed', result: { words: 'a dog' } });
  expect(ledger.stored).toMatchObject({ status: 'completed', attempts: job.attempts });
});

test('R3: a job that waits for a file handle is given back when its worker stops', async () => {
  const { run, stop, log, clock } = worker(
    new FunctionProcessor(async () => {
      throw Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' });
    }),
  );
  const running = run();
  await vi.waitFor(() => expect(log.at('warn')).toEqual(['no file handle is left: a job waits for one']));
  stop.abort();
  expect(await running).toEqual({ kind: 'released' });
  expect(clock.pendingTimers).toBe(0);
});

describe('a job that fails', () => {
  test('R1: keeps its file', async () => {
    const { ledger, removed, run } = worker(bug);
    expect(await run()).toMatchObject({ kind: 'completed', result: { words: 'Media processing failed' } });
    expect(ledger.stored).toMatchObject({
      status: 'completed',
      result: 'Media processing failed',
      error: { code: 'failed', reason: 'no decoder' },
    });
    expect(removed).toEqual([]);
  });

  test('R1: as corrupt leaves a record and no file', async () => {
    const media = { bytes: null, sha256: null, quotaExceeded: true, corruptReason: 'quota', gatewayId: 'g' };
    const { job, ledger, removed, run } = worker(new CorruptProcessor(), {
      mimeType: 'media_corrupt_audio',
      media,
    });
    await run();
    expect(ledger.stored).toMatchObject({
      result: 'Corrupted audio media could not be downloaded',
      error: { code: 'corrupt', reason: 'quota' },
    });
    expect(removed).toEqual([job.guid]);
  });

  test('R1: as unsupported leaves a record and no file', async () => {
    const { job, ledger, removed, run } = worker(new UnsupportedProcessor(), { mimeType: 'application/zip' });
    await run();
    expect(ledger.stored).toMatchObject({
      result: 'Unsupported application/zip media',
      error: { code: 'unsupported' },
    });
    expect(removed).toEqual([job.guid]);
  });

  test('by its deadline is told so', async () => {
    const { ledger, run, clock } = worker(endlessProcessor(false));
    await passTimeUntil(run(), clock);
    expect(ledger.stored).toMatchObject({ result: 'Processing timed out', error: { code: 'timed_out' } });
    expect(ledger.callsOf('heartbeat')).toBeGreaterThan(5);
  });
});

test('a medium that could not be downloaded is told as that where no pool takes such media', async () => {
  const media = { bytes: null, sha256: null, quotaExceeded: false, corruptReason: 'gone', gatewayId: 'g' };
  const { ledger, run } = worker(new UnsupportedProcessor(), { mimeType: 'media_corrupt_video', media });
  await run();
  expect(ledger.stored).toMatchObject({
    result: 'Corrupted video media could not be downloaded',
    error: { code: 'corrupt', reason: 'gone' },
  });
});

describe('a job that fails in a way that may pass', () => {
  test('is put off for half of its back-off and as much again by chance', async () => {
    expect(await putOff(0)).toBe(DEFAULT_RETRY.firstDelayMs / 2);
    expect(await putOff(0.5)).toBe(DEFAULT_RETRY.firstDelayMs * 0.75);
  });

  test('R3: waits for its next attempt, file and all', async () => {
    const { ledger, removed, run, clock } = worker(busy, { attempts: 1 });
    const availableAt = clock.now() + DEFAULT_RETRY.firstDelayMs * 2;
    expect(await run()).toEqual({ kind: 'postponed', availableAt });
    expect(ledger.stored).toMatchObject({ status: 'waiting', availableAt, error: { reason: 'busy' } });
    expect(removed).toEqual([]);
  });

  test('fails for good with its last attempt', async () => {
    const { ledger, run } = worker(busy, { attempts: DEFAULT_RETRY.maxAttempts - 1 });
    expect(await run()).toMatchObject({ kind: 'completed', result: { kind: 'failure' } });
    expect(ledger.stored).toMatchObject({ status: 'completed', error: { code: 'failed', reason: 'busy' } });
  });
});

describe('R2: a job that was taken over', () => {
  test('is left alone when a heartbeat tells', async () => {
    const { ledger, removed, run, clock } = worker(endlessProcessor(true));
    const outcome = run();
    ledger.takeOver();
    clock.advance(10_000);
    expect(await outcome).toEqual({ kind: 'lost' });
    expect(ledger.calls).toEqual(['heartbeat']);
    expect(removed).toEqual([]);
  });

  test.each([
    ['complete', words],
    ['complete', bug],
    ['postpone', busy],
  ] as const)('is left alone when %s tells', async (write, processor) => {
    const { ledger, removed, run } = worker(processor);
    ledger.takeOver();
    expect(await run()).toEqual({ kind: 'lost' });
    expect(ledger.calls).toEqual([write]);
    expect(ledger.stored).toMatchObject({ status: 'processing', result: null });
    expect(removed).toEqual([]);
  });

  test('and is settled and gone since, is left alone', async () => {
    const { ledger, removed, run } = worker(words);
    ledger.stored = null;
    expect(await run()).toEqual({ kind: 'lost' });
    expect(removed).toEqual([]);
  });

  test('by another backend is left alone', async () => {
    const { ledger, removed, run } = worker(words);
    ledger.script('complete', 'fenced');
    expect(await run()).toEqual({ kind: 'lost' });
    expect(removed).toEqual([]);
  });
});

describe('R3: a signal', () => {
  test('gives the job back untried', async () => {
    const { ledger, removed, stop, run } = worker(endlessProcessor(false));
    const outcome = run();
    stop.abort();
    expect(await outcome).toEqual({ kind: 'released' });
    expect(ledger.stored).toMatchObject({ status: 'pending', attempts: 0 });
    expect(removed).toEqual([]);
  });
});

describe('a store that is down', () => {
  test('gets the result when it is back', async () => {
    const { job, ledger, removed, run, clock } = worker(words);
    ledger.script('complete', 'unavailable', 'unavailable');
    expect(await passTimeUntil(run(), clock)).toMatchObject({ kind: 'completed' });
    expect(ledger.callsOf('complete')).toBe(3);
    expect(removed).toEqual([job.guid]);
  });

  test('is waited for no longer than the deadline', async () => {
    const { ledger, removed, run, clock } = worker(words);
    const startedAt = clock.now();
    ledger.script('complete', ...Array.from({ length: 1_000 }, () => 'unavailable' as const));
    expect(await passTimeUntil(run(), clock)).toEqual({ kind: 'unsaved' });
    expect(clock.now() - startedAt).toBe(DEFAULT_JOB_TIMES.saveDeadlineMs);
    expect(removed).toEqual([]);
  });

  test('and wrote all the same, has the result: the owner is told and the file goes', async () => {
    const { job, ledger, removed, run, clock } = worker(words);
    ledger.script('complete', 'lost answer');
    expect(await passTimeUntil(run(), clock)).toMatchObject({ kind: 'completed' });
    expect(removed).toEqual([job.guid]);
  });

  test('and wrote all the same, and whose job is settled since, is no loss either', async () => {
    const { ledger, run, clock } = worker(words);
    ledger.script('complete', 'lost answer');
    const outcome = run();
    await vi.waitFor(() => expect(ledger.stored?.status).toBe('completed'));
    ledger.stored = null;
    expect(await passTimeUntil(outcome, clock)).toMatchObject({ kind: 'completed', isSettled: true });
  });

  test('R2: and gave the job to another meanwhile, ends it here', async () => {
    const { ledger, removed, run, clock } = worker(words);
    ledger.script('complete', 'unavailable');
    const outcome = run();
    await vi.waitFor(() => expect(ledger.callsOf('complete')).toBe(1));
    ledger.takeOver();
    expect(await passTimeUntil(outcome, clock)).toEqual({ kind: 'lost' });
    expect(removed).toEqual([]);
  });

  test('and postponed all the same, is believed', async () => {
    const { ledger, run, clock } = worker(busy);
    ledger.script('postpone', 'lost answer');
    expect(await passTimeUntil(run(), clock)).toMatchObject({ kind: 'postponed' });
    expect(ledger.stored?.status).toBe('waiting');
  });

  test('R2: and did not postpone what another puts off meanwhile, is not believed', async () => {
    const { ledger, run, clock } = worker(busy);
    ledger.script('postpone', 'unavailable');
    const outcome = run();
    await vi.waitFor(() => expect(ledger.callsOf('postpone')).toBe(1));
    ledger.takeOver();
    if (ledger.stored !== null) ledger.stored = { ...ledger.stored, status: 'waiting', attempts: 2 };
    expect(await passTimeUntil(outcome, clock)).toEqual({ kind: 'lost' });
  });

  test('and released all the same, is believed', async () => {
    const { ledger, stop, run, clock } = worker(endlessProcessor(true));
    ledger.script('release', 'lost answer');
    const outcome = run();
    stop.abort();
    expect(await passTimeUntil(outcome, clock)).toEqual({ kind: 'released' });
  });

  test('in a way that nothing cures, is an error', async () => {
    const { ledger, run } = worker(words);
    ledger.script('complete', 'broken');
    await expect(run()).rejects.toMatchObject({ code: 'invariant_broken' });
  });
});
