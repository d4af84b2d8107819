import { describe, expect, onTestFinished, test } from 'vitest';
import type { ClaimedJob } from '../../../src/jobs/job.ts';
import type { Store } from '../../../src/store/store.ts';
import {
  acceptMedia,
  HOUR_MS,
  jobError,
  keyOf,
  placeholderMessage,
  PROVIDER,
} from '../../support/store-records.ts';

/** A store that is opened now and, after a restart, at some other time. */
export interface RestartedSubject {
  /** Closes what is open, and opens the same data on a host whose clock says `now`. */
  readonly openAt: (now: number) => Promise<Store>;
  /** Lets so much time go by for what ends by another clock than the caller's. */
  readonly elapse: (ms: number) => Promise<void>;
  readonly dispose: () => Promise<void>;
}

const START = 1_700_000_000_000;
const DAY_MS = 24 * HOUR_MS;
const LEASE_MS = 30_000;
const BACK_OFF_MS = 60_000;
const MAX_ATTEMPTS = 3;

async function claimAt(store: Store, now: number): Promise<ClaimedJob> {
  const job = await store.claim({ pool: 'audio', now, leaseMs: LEASE_MS, cappedBots: [] });
  if (job === null) throw new Error('expected a claimable job');
  return job;
}

/** `hasOwnClock`: leases and back-offs end by the store's, so that a step of the host's changes nothing about them. */
export function describeClockSteps(
  name: string,
  open: () => Promise<RestartedSubject>,
  { hasOwnClock }: { readonly hasOwnClock: boolean },
): void {
  /** With one job, claimed. */
  async function claimed() {
    const { openAt, elapse, dispose } = await open();
    onTestFinished(dispose);
    const key = keyOf('ann');
    const store = await openAt(START);
    await store.resolveCorrespondent(key.botId, PROVIDER, ['ann']);
    await store.accept(acceptMedia(key, placeholderMessage(1, undefined, { acceptedTime: START })));
    return { store, claim: await claimAt(store, START), openAt, elapse };
  }

  describe.each([
    ['an hour back', -HOUR_MS],
    ['a day back', -DAY_MS],
    ['an hour forward', HOUR_MS],
    ['a day forward', DAY_MS],
  ])(`when the clock of the host of ${name} was set %s while Dragoman was down`, (_step, stepMs) => {
    const restart = START + 5_000 + stepMs;

    test('a claim of the life before ends with its lease at the latest, one attempt counted', async () => {
      const { claim, openAt, elapse } = await claimed();
      const reopened = await openAt(restart);
      await elapse(LEASE_MS);
      await reopened.reviveJobs(restart + LEASE_MS, MAX_ATTEMPTS);
      expect(await claimAt(reopened, restart + LEASE_MS)).toMatchObject({ guid: claim.guid, attempts: 1 });
    });

    test('a back-off takes no longer than it was to take', async () => {
      const { store, claim, openAt, elapse } = await claimed();
      await store.postpone(claim, START + BACK_OFF_MS, jobError(), START);
      const reopened = await openAt(restart);
      await elapse(BACK_OFF_MS);
      await reopened.reviveJobs(restart + BACK_OFF_MS, MAX_ATTEMPTS);
      expect(await claimAt(reopened, restart + BACK_OFF_MS)).toMatchObject({ guid: claim.guid, attempts: 1 });
    });

    test('a worker that kills each of its lives is found out all the same', async () => {
      const { claim, openAt, elapse } = await claimed();
      const reopened = await openAt(restart);
      const poisoned: string[] = [];
      for (let now = restart; poisoned.length === 0 && now < restart + HOUR_MS;) {
        now += LEASE_MS;
        await elapse(LEASE_MS);
        const revived = await reopened.reviveJobs(now, MAX_ATTEMPTS);
        poisoned.push(...revived.poisoned.map((job) => job.guid));
        if (poisoned.length === 0) await claimAt(reopened, now);
      }
      expect(poisoned).toEqual([claim.guid]);
      const killer = await reopened.jobByGuid(claim.guid);
      expect(killer).toMatchObject({ attempts: 3, error: { code: 'worker_died' } });
    });

    test.runIf(hasOwnClock).each([
      ['lease', LEASE_MS, 'processing'],
      ['back-off', BACK_OFF_MS, 'waiting'],
    ] as const)('a %s is not over early, and it is told how much is left', async (_what, takesMs, status) => {
      const { store, claim, openAt, elapse } = await claimed();
      if (status === 'waiting') await store.postpone(claim, START + takesMs, jobError(), START);
      const reopened = await openAt(restart);
      await elapse(takesMs / 2);
      const { nextDueAt } = await reopened.reviveJobs(restart, MAX_ATTEMPTS);
      expect(nextDueAt).toBeGreaterThan(restart);
      expect(nextDueAt).toBeLessThanOrEqual(restart + takesMs / 2);
      expect(await reopened.jobByGuid(claim.guid)).toMatchObject({ status });
    });
  });

  /** It claims what is there, gives it back or puts it off, and goes away. */
  const WORKER_ACTS = {
    release: (store: Store, claim: ClaimedJob, now: number) => store.release(claim, now),
    postpone: (store: Store, claim: ClaimedJob, now: number) =>
      store.postpone(claim, now + BACK_OFF_MS, jobError(), now),
  };

  describe.runIf(hasOwnClock).each([
    ['hours behind', -5 * HOUR_MS],
    ['hours ahead', 5 * HOUR_MS],
  ])('a worker of %s on a host whose clock is %s', (_step, stepMs) => {
    test.each(['release', 'postpone'] as const)(
      'makes a job neither older nor younger by a %s',
      async (act) => {
        const { claim, openAt, elapse, store } = await claimed();
        await store.release(claim, START);
        const worker = await openAt(START + stepMs);
        const own = await claimAt(worker, START + stepMs);
        await WORKER_ACTS[act](worker, own, START + stepMs);
        const backend = await openAt(START);
        const isListed = async (changedBefore: number): Promise<boolean> => {
          const page = { collection: 'active', changedBefore, afterSeq: 0, limit: 10 } as const;
          return (await backend.jobsOfBot('bot-a', page)).jobs.length > 0;
        };
        expect(await isListed(START - HOUR_MS)).toBe(false);
        expect(await isListed(START + HOUR_MS)).toBe(true);
        await elapse(2 * HOUR_MS);
        expect(await isListed(START - HOUR_MS)).toBe(true);
        const [trace] = await backend.jobsAmong([claim.guid]);
        const { changedAt } = (await backend.jobByGuid(claim.guid)) ?? { changedAt: 0 };
        expect(trace).toMatchObject({ changedAt });
        expect(Math.abs(changedAt - (START - 2 * HOUR_MS))).toBeLessThan(60_000);
        const expired = await backend.expireJob({ guid: claim.guid, changedAt }, jobError(), START);
        expect(expired).toMatchObject({ status: 'completed', changedAt: START });
      },
    );
  });

  test(`${name}: a restart without a step of the clock leaves a lease as it is`, async () => {
    const { claim, openAt, elapse } = await claimed();
    await elapse(5_000);
    const reopened = await openAt(START + 5_000);
    await reopened.reviveJobs(START + 10_000, MAX_ATTEMPTS);
    const job = await reopened.jobByGuid(claim.guid);
    expect(job).toMatchObject({ status: 'processing' });
    expect(Math.abs((job?.changedAt ?? 0) - START)).toBeLessThan(60_000);
  });
}
