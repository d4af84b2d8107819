import { expect, test } from 'vitest';
import { newGuid } from '../../../src/base/ids.ts';
import { silentLogger } from '../../../src/base/log.ts';
import type { ClaimedJob } from '../../../src/jobs/job.ts';
import { DEFAULT_RETRY } from '../../../src/jobs/retry.ts';
import { ledgerOf } from '../../../src/processors/job-ledger.ts';
import { DEFAULT_JOB_TIMES, runJob } from '../../../src/processors/run-job.ts';
import { openMemoryStore } from '../../support/memory-store/memory-store.ts';
import { endlessProcessor, FunctionProcessor } from '../../support/function-processor.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { acceptMedia, keyOf, placeholderMessage } from '../../support/store-records.ts';

const CHAT = 'ana@example';

async function storeWithOneJob() {
  const clock = new ManualClock();
  const store = openMemoryStore({ clock, newClaimToken: newGuid });
  await store.resolveCorrespondent('bot-a', 'simulator', [CHAT]);
  const guid = newGuid();
  await store.accept(acceptMedia(keyOf(CHAT), placeholderMessage(1, guid)));
  const claim = async (): Promise<ClaimedJob> => {
    const job = await store.claim({ pool: 'audio', now: clock.now(), leaseMs: 30_000, cappedBots: [] });
    if (job === null) throw new Error('expected a claimable job');
    return job;
  };
  const run = (job: ClaimedJob, processor: FunctionProcessor, signal = new AbortController().signal) =>
    runJob(
      job,
      {
        processor,
        ledger: ledgerOf(store),
        filesOf: () => ({ pathOf: (name) => name, remove: async () => {} }),
        clock,
        log: silentLogger,
        random: () => 0,
        times: { ...DEFAULT_JOB_TIMES, timeoutMs: 1_000 },
        retry: DEFAULT_RETRY,
      },
      signal,
    );
  return { clock, store, guid, claim, run };
}

const words = new FunctionProcessor(async () => 'a song');
const busy = new FunctionProcessor(async () => {
  throw Object.assign(new Error('busy'), { status: 503 });
});

test('a job in the store becomes words', async () => {
  const { store, guid, claim, run } = await storeWithOneJob();
  await run(await claim(), words);
  expect(await store.jobByGuid(guid)).toMatchObject({ status: 'completed', result: 'a song', error: null });
});

test('a job in the store is tried three times, then fails', async () => {
  const { clock, store, guid, claim, run } = await storeWithOneJob();
  const kinds: string[] = [];
  for (let attempt = 1; attempt <= DEFAULT_RETRY.maxAttempts; attempt += 1) {
    const outcome = await run(await claim(), busy);
    kinds.push(outcome.kind);
    clock.advance(DEFAULT_RETRY.longestDelayMs);
    await store.reviveJobs(clock.now(), DEFAULT_RETRY.maxAttempts);
  }
  expect(kinds).toEqual(['postponed', 'postponed', 'completed']);
  expect(await store.jobByGuid(guid)).toMatchObject({
    status: 'completed',
    result: 'Media processing failed',
    error: { code: 'failed', reason: 'busy' },
  });
});

test('a job given back to the store is claimed again, its attempts as they were', async () => {
  const { claim, run } = await storeWithOneJob();
  const outcome = await run(await claim(), endlessProcessor(true), AbortSignal.abort());
  expect(outcome).toEqual({ kind: 'released' });
  expect(await claim()).toMatchObject({ attempts: 0 });
});

test('a worker whose job was claimed by another leaves it to that one', async () => {
  const { clock, store, guid, claim, run } = await storeWithOneJob();
  const first = await claim();
  clock.advance(31_000);
  await store.reviveJobs(clock.now(), DEFAULT_RETRY.maxAttempts);
  const second = await claim();
  expect(await run(first, words)).toEqual({ kind: 'lost' });
  expect(await store.jobByGuid(guid)).toMatchObject({ status: 'processing', claimToken: second.claimToken });
});
