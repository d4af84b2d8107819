import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { silentLogger } from '../../../../src/base/log.ts';
import type { ClaimedJob } from '../../../../src/jobs/job.ts';
import { openSqliteStore } from '../../../../src/store/sqlite/sqlite-store.ts';
import type { Store } from '../../../../src/store/store.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { scratchFolder } from '../../../support/scratch-folder.ts';
import {
  acceptMedia,
  HOUR_MS,
  jobError,
  keyOf,
  placeholderMessage,
  PROVIDER,
} from '../../../support/store-records.ts';

const START = 1_700_000_000_000;
const DAY_MS = 24 * HOUR_MS;
const LEASE_MS = 30_000;
const MAX_ATTEMPTS = 3;

/** A store's file whose jobs are used now and, after a restart, at some other time. */
async function storeFile() {
  const file = path.join(await scratchFolder(), 'dragoman.db');
  const key = keyOf('ann');
  const openAt = async (now: number): Promise<Store> => {
    const store = await openSqliteStore({ file, clock: new ManualClock(now), log: silentLogger });
    onTestFinished(() => store.close());
    return store;
  };
  const store = await openAt(START);
  await store.resolveCorrespondent(key.botId, PROVIDER, ['ann']);
  await store.accept(acceptMedia(key, placeholderMessage(1, undefined, { acceptedTime: START })));
  return {
    store,
    async reopenAt(now: number): Promise<Store> {
      await store.close();
      return openAt(now);
    },
  };
}

async function claimAt(store: Store, now: number): Promise<ClaimedJob> {
  const job = await store.claim({ pool: 'audio', now, leaseMs: LEASE_MS, cappedBots: [] });
  if (job === null) throw new Error('expected a claimable job');
  return job;
}

describe.each([
  ['an hour back', -HOUR_MS],
  ['a day back', -DAY_MS],
  ['an hour forward', HOUR_MS],
  ['a day forward', DAY_MS],
])('when the host’s clock was set %s while Dragoman was down', (_step, stepMs) => {
  const restart = START + 5_000 + stepMs;

  test('a claim of the life before ends with its lease at the latest, one attempt counted', async () => {
    const { store, reopenAt } = await storeFile();
    const { guid } = await claimAt(store, START);
    const reopened = await reopenAt(restart);
    await reopened.reviveJobs(restart + LEASE_MS, MAX_ATTEMPTS);
    expect(await claimAt(reopened, restart + LEASE_MS)).toMatchObject({ guid, attempts: 1 });
  });

  test('a back-off takes no longer than it was to take', async () => {
    const { store, reopenAt } = await storeFile();
    const claim = await claimAt(store, START);
    await store.postpone(claim, START + 60_000, jobError(), START);
    const reopened = await reopenAt(restart);
    await reopened.reviveJobs(restart + 60_000, MAX_ATTEMPTS);
    expect(await claimAt(reopened, restart + 60_000)).toMatchObject({ guid: claim.guid, attempts: 1 });
  });

  test('a worker that kills each of its lives is found out all the same', async () => {
    const { store, reopenAt } = await storeFile();
    const { guid } = await claimAt(store, START);
    const reopened = await reopenAt(restart);
    const poisoned: string[] = [];
    for (let now = restart + LEASE_MS; poisoned.length === 0 && now < restart + HOUR_MS; now += LEASE_MS) {
      const revived = await reopened.reviveJobs(now, MAX_ATTEMPTS);
      poisoned.push(...revived.poisoned.map((job) => job.guid));
      if (poisoned.length === 0) await claimAt(reopened, now);
    }
    expect(poisoned).toEqual([guid]);
    expect(await reopened.jobByGuid(guid)).toMatchObject({ attempts: 3, error: { code: 'worker_died' } });
  });
});

test('a restart without a step of the clock leaves lease and back-off as they are', async () => {
  const { store, reopenAt } = await storeFile();
  const { guid } = await claimAt(store, START);
  const reopened = await reopenAt(START + 5_000);
  await reopened.reviveJobs(START + LEASE_MS - 1, MAX_ATTEMPTS);
  expect(await reopened.jobByGuid(guid)).toMatchObject({ status: 'processing', changedAt: START });
});
