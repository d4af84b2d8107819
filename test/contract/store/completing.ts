import { describe, expect, test } from 'vitest';
import type { ClaimedJob, CorrespondentKey } from '../../../src/jobs/job.ts';
import type { ClaimedSettlement } from '../../../src/store/message-store.ts';
import type { Store } from '../../../src/store/store.ts';
import {
  acceptMedia,
  acceptText,
  fulfilled,
  jobError,
  NOW,
  placeholderMessage,
  textMessage,
} from '../../support/store-records.ts';
import { mustClaim } from './jobs.ts';
import { chat, type Suite, useSubject } from './subject.ts';

const COMPLETED_AT = NOW + 7;

const settlementOf = (
  { correspondent, guid, claimToken, placeholder }: ClaimedJob,
  changes: Partial<ClaimedSettlement> = {},
): ClaimedSettlement => ({
  correspondent,
  guid,
  claimToken,
  message: fulfilled(placeholder),
  evictedIds: [],
  error: null,
  words: 'words',
  completedAt: COMPLETED_AT,
  ...changes,
});

/** A chat with a text, then a claimed medium. */
async function claimedIn(store: Store, name: string): Promise<{ key: CorrespondentKey; job: ClaimedJob }> {
  const key = await chat(store, name);
  await store.accept(acceptText(key, textMessage(1)));
  await store.accept(acceptMedia(key, placeholderMessage(2)));
  return { key, job: await mustClaim(store) };
}

const FAILURE = { error: jobError(), words: 'Media processing failed' };

/** Of one by itself, and of one that shares its transaction where a store does that. */
const BESIDE_OTHERS = [
  ['by itself', 0],
  ['beside others', 3],
] as const;

export const completingSuite: Suite = (open) => {
  describe('a worker and its chat’s owner at once', () => {
    const subject = useSubject(open);

    describe.for(BESIDE_OTHERS)('%s', ([, count]) => {
      /** Settles one, and as many others in the same breath. */
      const settle = async (store: Store, settlement: ClaimedSettlement) => {
        const others: ClaimedSettlement[] = [];
        for (let n = 0; n < count; n += 1)
          others.push(settlementOf((await claimedIn(store, `other-${n}`)).job));
        const [outcome, ...beside] = await Promise.all([
          store.completeAndSettle(settlement),
          ...others.map((other) => store.completeAndSettle(other)),
        ]);
        expect(beside).toEqual(others.map(() => 'settled'));
        return outcome;
      };

      test('put words in their place, with what that evicts, and end the job', async () => {
        const { store, reopen } = subject();
        const { key, job } = await claimedIn(store, 'a');
        expect(await settle(store, settlementOf(job, { evictedIds: [1] }))).toBe('settled');
        const again = await reopen();
        expect((await again.rehydrate(key)).messages).toEqual([fulfilled(job.placeholder)]);
        expect(await again.jobByGuid(job.guid)).toBeNull();
      });

      test('leave a failed job that tells of the attempt', async () => {
        const { store } = subject();
        const { key, job } = await claimedIn(store, 'a');
        expect(await settle(store, settlementOf(job, FAILURE))).toBe('settled');
        expect((await store.rehydrate(key)).messages).toEqual([textMessage(1), fulfilled(job.placeholder)]);
        expect(await store.jobByGuid(job.guid)).toMatchObject({
          collection: 'failed',
          status: 'completed',
          result: 'Media processing failed',
          error: jobError(),
          attempts: 1,
          claimToken: null,
          leaseExpiresAt: null,
          completedAt: COMPLETED_AT,
          changedAt: fulfilled(job.placeholder).readyTime,
        });
      });

      test.for([
        ['words', {}],
        ['a failure', FAILURE],
      ] as const)('S5: change nothing by %s under a stale token', async ([, result]) => {
        const { store } = subject();
        const { key, job } = await claimedIn(store, 'a');
        const stale = { claimToken: 'stale', evictedIds: [1] };
        expect(await settle(store, settlementOf(job, { ...result, ...stale }))).toBe('stale');
        expect((await store.rehydrate(key)).messages).toEqual([textMessage(1), job.placeholder]);
        expect(await store.jobByGuid(job.guid)).toEqual(job);
      });

      test('settle a job that is held meanwhile', async () => {
        const { store } = subject();
        const { key, job } = await claimedIn(store, 'a');
        await store.holdJobs('bot-a', NOW);
        expect(await settle(store, settlementOf(job))).toBe('settled');
        expect((await store.rehydrate(key)).messages).toEqual([textMessage(1), fulfilled(job.placeholder)]);
        expect(await store.jobByGuid(job.guid)).toBeNull();
      });
    });

    test('end a job whose place is lost, and tell so', async () => {
      const { store, lose } = subject();
      const { key, job } = await claimedIn(store, 'a');
      await lose(key, 2);
      expect(await store.completeAndSettle(settlementOf(job, { evictedIds: [1] }))).toBe('gone');
      expect((await store.rehydrate(key)).messages).toEqual([textMessage(1)]);
      expect(await store.jobByGuid(job.guid)).toBeNull();
    });

    test('spend the token', async () => {
      const { store } = subject();
      const { job } = await claimedIn(store, 'a');
      expect(await store.completeAndSettle(settlementOf(job, FAILURE))).toBe('settled');
      expect(await store.completeAndSettle(settlementOf(job))).toBe('stale');
      expect(await store.complete(job, { kind: 'words', words: 'w' }, NOW)).toBe(false);
    });

    test('S2: are fenced once a newer owner has been at the chat', async () => {
      const { store, rival } = subject();
      const { key, job } = await claimedIn(store, 'a');
      const newer = await rival();
      await newer.rehydrate(key);
      await expect(store.completeAndSettle(settlementOf(job))).rejects.toMatchObject({ code: 'fenced' });
      expect(await newer.jobByGuid(job.guid)).toMatchObject({ claimToken: job.claimToken });
    });
  });
};
