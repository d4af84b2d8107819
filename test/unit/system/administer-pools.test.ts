import { expect, test } from 'vitest';
import { newGuid } from '../../../src/base/ids.ts';
import { DEFAULT_POOLS } from '../../../src/jobs/pools.ts';
import { openStagingFolders } from '../../../src/staging/staging-folders.ts';
import type { JobCount } from '../../../src/store/job-store.ts';
import { administerFailedJobs } from '../../../src/system/administration/failed-jobs.ts';
import { administerPools } from '../../../src/system/administration/pools.ts';
import { Served } from '../../../src/system/administration/served.ts';
import { claimedJob } from '../../support/claimed-job.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { openMemoryStore } from '../../support/memory-store/memory-store.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

test('a pool is shown with what waits, what is in hand, what is held and what has failed, each by itself', async () => {
  const clock = new ManualClock();
  const of = (changes: Partial<JobCount>): JobCount => ({
    pool: 'audio',
    collection: 'active',
    status: 'pending',
    count: 1,
    oldestCreatedAt: clock.now() - 5_000,
    ...changes,
  });
  const counts = [
    of({ count: 2 }),
    of({ status: 'waiting', count: 3 }),
    of({ status: 'processing', count: 4 }),
    of({ collection: 'holding', count: 5 }),
    of({ collection: 'failed', status: 'completed', count: 6 }),
    of({ pool: 'video', collection: 'failed', status: 'completed', count: 7 }),
  ];
  const served = new Served(clock.now());
  served.note('audio', 'bot-a', clock.now());
  const pools = administerPools({
    store: { countJobs: async () => counts },
    pools: DEFAULT_POOLS,
    load: async () => [{ pool: 'audio', busy: 2, idle: 0 }],
    staging: await openStagingFolders(await scratchFolder()),
    served,
    bots: [],
    clock,
  });
  const [audio, video] = await pools.list();
  expect(audio).toMatchObject({
    name: 'audio',
    workers: 2,
    busy: 2,
    pending: 2,
    oldestPendingMs: 5_000,
    waiting: 3,
    inProgress: 4,
    held: 5,
    failed: 6,
    donePerMinute: 1,
    shares: [{ botId: 'bot-a', served: 1 }],
  });
  expect(video).toMatchObject({ name: 'video', busy: 0, pending: 0, oldestPendingMs: null, failed: 7 });
});

test('a failed job whose bot is not there any more is not retried: it is said that the bot is not there', async () => {
  const clock = new ManualClock();
  const job = claimedJob();
  const { retry } = administerFailedJobs({
    store: { ...openMemoryStore({ clock, newClaimToken: newGuid }), jobByGuid: async () => job },
    bots: new Map(),
    forgetFile: async () => {},
  });
  await expect(retry(job.guid)).rejects.toMatchObject({
    code: 'unknown_bot',
    message: 'there is no bot bot-a: there is none yet',
  });
});
