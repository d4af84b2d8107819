import { describe, expect, onTestFinished, test } from 'vitest';
import { DragomanError } from '../../../src/base/errors.ts';
import type { JobCount } from '../../../src/store/job-store.ts';
import { BacklogLog, poolBacklogs } from '../../../src/system/backlog-log.ts';
import { settle } from '../../support/actor-kit.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { RecordingLogger } from '../../support/recording-logger.ts';

const NOW = 1_700_000_000_000;
const MINUTE_MS = 60_000;

const count = (changes: Partial<JobCount>): JobCount => ({
  pool: 'audio',
  collection: 'active',
  status: 'pending',
  count: 1,
  oldestCreatedAt: NOW,
  ...changes,
});

test('a pool’s backlog is what it may claim, what it has in hand, what waits and what is held', () => {
  const counts = [
    count({ count: 7, oldestCreatedAt: NOW - 5_000 }),
    count({ status: 'processing', count: 2, oldestCreatedAt: NOW - 9_000 }),
    count({ status: 'waiting', count: 3 }),
    count({ status: 'completed', count: 50 }),
    count({ collection: 'holding', count: 4 }),
    count({ collection: 'holding', status: 'processing' }),
    count({ collection: 'failed', status: 'completed', count: 60 }),
    count({ pool: null, status: 'downloading', count: 8 }),
  ];
  expect(poolBacklogs(['audio', 'video'], counts, NOW)).toEqual([
    { pool: 'audio', pending: 7, waiting: 3, inProgress: 2, held: 5, oldestPendingMs: 5_000 },
    { pool: 'video', pending: 0, waiting: 0, inProgress: 0, held: 0, oldestPendingMs: null },
  ]);
});

/** A log of three pools that is written every two minutes. */
function backlogLog(countJobs: () => Promise<readonly JobCount[]>) {
  const clock = new ManualClock(NOW);
  const log = new RecordingLogger();
  const pools = ['audio', 'video', 'image'];
  const backlog = new BacklogLog({ store: { countJobs }, pools, clock, log });
  backlog.start(2 * MINUTE_MS);
  onTestFinished(() => backlog.close());
  const period = async (): Promise<void> => {
    clock.advance(2 * MINUTE_MS);
    await settle();
  };
  const lines = () => log.lines.map(({ fields }) => fields);
  return { clock, log, backlog, period, lines };
}

describe('the log of backlogs', () => {
  test('L1: has a line for each pool that has jobs or has done some', async () => {
    const { backlog, period, lines } = backlogLog(async () => [count({ count: 3 })]);
    for (let job = 0; job < 5; job += 1) backlog.done('video');
    await period();
    const none = { pending: 0, waiting: 0, in_progress: 0, held: 0, oldest_pending_ms: null };
    const audio = { ...none, pool: 'audio', pending: 3, done_per_minute: 0 };
    expect(lines()).toEqual([
      { ...audio, oldest_pending_ms: 2 * MINUTE_MS },
      { ...none, pool: 'video', done_per_minute: 2.5 },
    ]);
    for (let job = 0; job < 3; job += 1) backlog.done('audio');
    await period();
    expect(lines().slice(2)).toEqual([{ ...audio, oldest_pending_ms: 4 * MINUTE_MS, done_per_minute: 1.5 }]);
  });

  test('L2: goes on after the store was away', async () => {
    const faults = [new DragomanError('store_unavailable', 'away')];
    const { log, period, lines } = backlogLog(async () => {
      const fault = faults.pop();
      if (fault !== undefined) throw fault;
      return [count({})];
    });
    await period();
    expect(log.at('warn')).toEqual(['the backlog could not be counted']);
    await period();
    expect(lines().slice(1)).toMatchObject([{ pool: 'audio', pending: 1 }]);
  });

  test('is over when it is closed, though it reads the store just then', async () => {
    const { clock, backlog, period, log } = backlogLog(async () => {
      backlog.close();
      return [];
    });
    await period();
    expect(clock.pendingTimers).toBe(0);
    await period();
    expect(log.lines).toEqual([]);
  });
});
