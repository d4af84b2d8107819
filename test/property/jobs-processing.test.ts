import fc from 'fast-check';
import { expect, test } from 'vitest';
import { silentLogger } from '../../src/base/log.ts';
import { DEFAULT_RETRY } from '../../src/jobs/retry.ts';
import { DEFAULT_JOB_TIMES, runJob } from '../../src/processors/run-job.ts';
import { claimedJob } from '../support/claimed-job.ts';
import { FunctionProcessor } from '../support/function-processor.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { passTimeUntil } from '../support/pass-time.ts';
import { type Answer, ScriptedLedger } from '../support/scripted-ledger.ts';

const numRuns = process.env['DRAGOMAN_DEEP'] === '1' ? 20_000 : 500;

const answers = fc.array(fc.constantFrom<Answer>('ok', 'unavailable', 'lost answer', 'fenced'), {
  maxLength: 4,
});

/** What happens while the job is worked on, second by second. */
const life = fc.record({
  attempts: fc.integer({ min: 0, max: 3 }),
  work: fc.constantFrom('words', 'busy', 'bug', 'deaf', 'obedient'),
  workSeconds: fc.integer({ min: 0, max: 40 }),
  heartbeat: answers,
  complete: answers,
  postpone: answers,
  release: answers,
  takenOverAt: fc.option(fc.integer({ min: 0, max: 60 })),
  stoppedAt: fc.option(fc.integer({ min: 0, max: 60 })),
});

test('R1…R4: whatever store, processor and signals do, a job ends in one way, and its file goes only with durable words', async () => {
  await fc.assert(
    fc.asyncProperty(life, async (script) => {
      const job = claimedJob({ attempts: script.attempts });
      const clock = new ManualClock();
      const ledger = new ScriptedLedger(job);
      for (const write of ['heartbeat', 'complete', 'postpone', 'release'] as const) {
        ledger.script(write, ...script[write]);
      }
      const stop = new AbortController();
      let fileIsThere = true;
      const processor = new FunctionProcessor((_file, _mimeType, _context, signal) => {
        const work = Promise.withResolvers<string>();
        if (script.work === 'obedient') signal.addEventListener('abort', () => work.reject(signal.reason));
        clock.schedule(script.workSeconds * 1_000, () => {
          if (script.work === 'words') work.resolve('a dog');
          if (script.work === 'busy') work.reject(Object.assign(new Error('busy'), { status: 503 }));
          if (script.work === 'bug') work.reject(new Error('no decoder'));
        });
        return work.promise;
      });

      const running = runJob(
        job,
        {
          processor,
          ledger,
          filesOf: () => ({
            pathOf: (guid) => guid,
            remove: async () => {
              expect(ledger.stored).toMatchObject({ status: 'completed', error: null });
              fileIsThere = false;
            },
          }),
          clock,
          log: silentLogger,
          random: () => 0.5,
          times: { ...DEFAULT_JOB_TIMES, timeoutMs: 30_000 },
          retry: DEFAULT_RETRY,
        },
        stop.signal,
      );
      const outcome = await passTimeUntil(running, clock, (second) => {
        if (second === script.takenOverAt && ledger.stored?.status === 'processing') ledger.takeOver();
        if (second === script.stoppedAt) stop.abort();
      });

      const status = {
        completed: 'completed',
        postponed: 'waiting',
        released: 'pending',
        lost: ledger.stored?.status,
        unsaved: ledger.stored?.status,
      }[outcome.kind];
      expect(ledger.stored?.status).toBe(status);
      expect(fileIsThere).toBe(outcome.kind !== 'completed' || outcome.result.kind === 'failure');
      clock.advance(60_000);
      expect(clock.pendingTimers).toBe(0);
    }),
    { numRuns },
  );
});
