import { expect, test } from 'vitest';
import { InFlight } from '../../../src/actors/in-flight.ts';
import { PoolDesk, type Worker } from '../../../src/actors/pool-desk.ts';
import { DragomanError } from '../../../src/base/errors.ts';
import type { ClaimedJob } from '../../../src/jobs/job.ts';
import { settle } from '../../support/actor-kit.ts';
import { claimedJob } from '../../support/claimed-job.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { RecordingLogger } from '../../support/recording-logger.ts';

test('a worker that hangs and cannot be replaced is given the next job all the same', async () => {
  const clock = new ManualClock();
  const log = new RecordingLogger();
  const jobs = [claimedJob(), claimedJob()];
  const asked: string[] = [];
  const worker = {
    ask: async (_topic: string, { guid }: ClaimedJob) => {
      asked.push(guid);
      throw new DragomanError('deadline_exceeded', 'no end');
    },
  } as unknown as Worker;
  const ended: unknown[] = [];
  const guids = jobs.map(({ guid }) => guid);
  const desk = new PoolDesk({
    workers: [worker],
    inFlight: new InFlight(1, () => [], clock),
    context: { clock, log },
    signal: new AbortController().signal,
    claim: async () => jobs.shift() ?? null,
    ended: (job, outcome) => ended.push([job.guid, outcome.kind]),
    runDeadlineMs: 1_000,
    replace: () => Promise.reject(new DragomanError('aborted', 'it would not stop')),
  });
  desk.wake();
  await settle();
  await desk.closed();
  expect(asked).toEqual(guids);
  expect(ended).toEqual(guids.map((guid) => [guid, 'unsaved']));
  expect(log.at('error')).toContain('a worker hangs and stays');
  expect(desk.load).toEqual({ busy: 0, idle: 1 });
});
