import { describe, expect, test } from 'vitest';
import { newGuid } from '../../../src/base/ids.ts';
import {
  acceptMedia,
  acceptText,
  fulfilled,
  HOUR_MS,
  jobError,
  NOW,
  placeholderMessage,
  stagedMedia,
  textMessage,
} from '../../support/store-records.ts';
import { jobsIn } from '../../support/jobs-in.ts';
import { chat, type Suite, useSubject } from './subject.ts';

const UNKNOWN = { stagedAt: null, claimedAt: null, completedAt: null };
const DOWNLOADING = { start: { kind: 'downloading' } } as const;
const claimAt = (now: number, leaseMs = HOUR_MS) => ({ pool: 'audio', now, leaseMs, cappedBots: [] });

export const mediaTimesSuite: Suite = (open) => {
  describe('when a medium came on', () => {
    const subject = useSubject(open);

    test('is on its job: staged, claimed, completed', async () => {
      const { store } = subject();
      const key = await chat(store, 'a');
      const guid = newGuid();
      await store.accept(acceptMedia(key, placeholderMessage(1, guid), DOWNLOADING));
      expect(await store.jobByGuid(guid)).toMatchObject(UNKNOWN);
      await store.stage(guid, stagedMedia(), NOW + 1);
      await store.stage(guid, stagedMedia(), NOW + 2);
      expect(await store.jobByGuid(guid)).toMatchObject({ ...UNKNOWN, stagedAt: NOW + 1 });
      const claim = await store.claim(claimAt(NOW + 3));
      if (claim === null) throw new Error('expected a claim');
      expect(claim).toMatchObject({ stagedAt: NOW + 1, claimedAt: NOW + 3, completedAt: null });
      await store.complete(claim, { kind: 'words', words: 'w' }, NOW + 4);
      const [job] = await jobsIn(await subject().reopen(), 'bot-a', 'active');
      expect(job).toMatchObject({ stagedAt: NOW + 1, claimedAt: NOW + 3, completedAt: NOW + 4 });
    });

    test('of one that came with its file begins with its acceptance', async () => {
      const { store } = subject();
      const placeholder = placeholderMessage(1);
      await store.accept(acceptMedia(await chat(store, 'a'), placeholder));
      const { acceptedTime, mediaProcessingId: guid } = placeholder;
      expect(await store.jobByGuid(guid)).toMatchObject({ ...UNKNOWN, stagedAt: acceptedTime });
    });

    test('tells the last claim of several, and outlives being held and promoted', async () => {
      const { store } = subject();
      const placeholder = placeholderMessage(1);
      await store.accept(acceptMedia(await chat(store, 'a'), placeholder));
      const first = await store.claim(claimAt(NOW + 1));
      if (first === null) throw new Error('expected a claim');
      await store.postpone(first, NOW + 2, jobError(), NOW + 2);
      await store.reviveJobs(NOW + 3, 3);
      await store.claim(claimAt(NOW + 4));
      await store.holdJobs('bot-a', NOW + 5);
      await store.promoteJobs('bot-a', NOW + 6);
      const job = await store.jobByGuid(placeholder.mediaProcessingId);
      expect(job).toMatchObject({ stagedAt: NOW, claimedAt: NOW + 4, completedAt: null });
    });

    test('of a job whose every attempt killed its worker ends when that was seen', async () => {
      const { store } = subject();
      await store.accept(acceptMedia(await chat(store, 'a'), placeholderMessage(1)));
      await store.claim(claimAt(NOW + 1, -1));
      const { poisoned } = await store.reviveJobs(NOW + 2, 1);
      expect(poisoned).toMatchObject([{ stagedAt: NOW, claimedAt: NOW + 1, completedAt: NOW + 2 }]);
    });

    test('goes with the message from the journal into the history', async () => {
      const { store } = subject();
      const key = await chat(store, 'a');
      const placeholder = placeholderMessage(1, newGuid(), { receivedTime: NOW - 9 });
      await store.accept(acceptMedia(key, placeholder));
      const mediaTimes = { stagedAt: NOW + 1, claimedAt: null, completedAt: NOW + 3 };
      const message = { ...fulfilled(placeholder), mediaTimes };
      const guid = placeholder.mediaProcessingId;
      await store.settle({ correspondent: key, guid, message, evictedIds: [], error: null });
      expect((await store.rehydrate(key)).messages).toEqual([message]);
      await store.ingest({ correspondent: key, messages: [message], now: NOW + 5 });
      const history = await (await subject().reopen()).history(key, { afterSeq: 0, limit: 1 });
      expect(history).toEqual([{ ingestSeq: 1, ingestedAt: NOW + 5, message }]);
      expect(history[0]?.message).toMatchObject({ receivedTime: NOW - 9, mediaTimes });
    });

    test('is found by its place, in the journal and in the history', async () => {
      const { store } = subject();
      const key = await chat(store, 'a');
      const [first, placeholder] = [textMessage(1), placeholderMessage(2)];
      await store.accept(acceptText(key, first));
      await store.accept(acceptMedia(key, placeholder));
      expect(await store.findMessage(key, 1)).toEqual({ message: first, ingestedAt: null });
      await store.ingest({ correspondent: key, messages: [first], now: NOW + 5 });
      expect(await store.findMessage(key, 1)).toEqual({ message: first, ingestedAt: NOW + 5 });
      expect(await store.findMessage(key, 2)).toEqual({ message: placeholder, ingestedAt: null });
      expect(await store.findMessage(key, 3)).toBeNull();
      expect(await store.findMessage(await chat(store, 'b'), 1)).toBeNull();
    });
  });
};
