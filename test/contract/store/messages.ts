import { describe, expect, test } from 'vitest';
import { hasCode } from '../../../src/base/errors.ts';
import { newGuid } from '../../../src/base/ids.ts';
import type { Message } from '../../../src/queue/message.ts';
import {
  acceptMedia,
  acceptText,
  fulfilled,
  jobError,
  newJob,
  NOW,
  placeholderMessage,
  textMessage,
} from '../../support/store-records.ts';
import { chat, type Suite, useSubject } from './subject.ts';
import { jobsIn } from '../../support/jobs-in.ts';

const broken = (error: unknown): boolean => hasCode(error, 'invariant_broken');
const unavailable = (error: unknown): boolean => hasCode(error, 'store_unavailable');

export const messageSuite: Suite = (open) => {
  describe('messages', () => {
    const subject = useSubject(open);

    test('S1: what was accepted is there after the store was opened again, in id order and whole', async () => {
      const key = await chat(subject().store, 'a');
      const rich: Message = textMessage(2, {
        source: 'user_outgoing',
        direction: 'outgoing',
        group: { id: 'g@g', name: null, alternateIdentifiers: ['g-alias'] },
        quoted: { providerMessageId: 'q', text: 'quoted' },
        mentions: ['m1', 'm2'],
        albumId: 'album',
        editsProviderMessageId: 'edited',
        correctsId: 1,
        recipientId: 'recipient',
        actualSender: 'actual',
        originatingTime: null,
        backlog: true,
      });
      const placeholder = placeholderMessage(3);
      await subject().store.accept(acceptText(key, textMessage(1)));
      await subject().store.accept(acceptText(key, rich));
      await subject().store.accept(acceptMedia(key, placeholder));
      const store = await subject().reopen();
      expect(await store.rehydrate(key)).toEqual({
        nextId: 4,
        messages: [textMessage(1), rich, placeholder],
      });
    });

    test.for([
      ['emoji and scripts', 'Grüße 👩‍👩‍👧‍👦 ﷽ 漢字 \u0000 \u2028 "\\'],
      ['16 KB', 'é👍x'.repeat(4_096)],
      ['nothing', ''],
    ])('a content of %s comes back as it was', async ([, content = '']) => {
      const { store } = subject();
      const key = await chat(store, 'a');
      await store.accept(acceptText(key, textMessage(1, { content })));
      const { messages } = await store.rehydrate(key);
      expect(messages[0]?.content).toBe(content);
      await store.ingest({ correspondent: key, messages: [textMessage(1, { content })], now: NOW });
      const [entry] = await store.history(key, { afterSeq: 0, limit: 1 });
      expect(entry?.message.content).toBe(content);
    });

    test('a lone surrogate is kept or becomes U+FFFD, and the size stays', async () => {
      const { store } = subject();
      const key = await chat(store, 'a\ud83d');
      const content = 'cut \ud83d here \udc4d';
      await store.accept(acceptText(key, textMessage(1, { content, providerMessageId: 'p\ud83d' })));
      const [message] = (await store.rehydrate(key)).messages;
      expect([content, content.toWellFormed()]).toContain(message?.content);
      expect(message?.content.length).toBe(message?.messageSize);
      const again = textMessage(2, { content, providerMessageId: 'p\ud83d' });
      expect(await store.accept(acceptText(key, again))).toEqual({ kind: 'duplicate', id: 1 });
    });

    test('a duplicate is told by chat, sender, direction and provider id, and writes nothing', async () => {
      const { store } = subject();
      const [key, other] = [await chat(store, 'a'), await chat(store, 'b')];
      const first = textMessage(1, { providerMessageId: 'same' });
      const sender = { identifier: 'someone-else', displayName: null, alternateIdentifiers: [] };
      expect(await store.accept(acceptText(key, first))).toEqual({ kind: 'accepted' });
      const placeholder = placeholderMessage(2, newGuid(), { providerMessageId: 'same' });
      const duplicate = { ...acceptMedia(key, placeholder), evictedIds: [1] };
      expect(await store.accept(duplicate)).toEqual({ kind: 'duplicate', id: 1 });
      expect(await store.jobByGuid(placeholder.mediaProcessingId)).toBeNull();
      expect(await store.rehydrate(key)).toEqual({ nextId: 2, messages: [first] });

      const outgoing = textMessage(2, { providerMessageId: 'same', direction: 'outgoing' });
      expect((await store.accept(acceptText(key, outgoing))).kind).toBe('accepted');
      const ofOther = textMessage(3, { providerMessageId: 'same', sender });
      expect((await store.accept(acceptText(key, ofOther))).kind).toBe('accepted');
      expect((await store.accept(acceptText(other, first))).kind).toBe('accepted');
    });

    test('a message without provider id is never a duplicate', async () => {
      const { store } = subject();
      const key = await chat(store, 'a');
      for (const id of [1, 2]) {
        const message = textMessage(id, { providerMessageId: null });
        expect((await store.accept(acceptText(key, message))).kind).toBe('accepted');
      }
    });

    test('a duplicate is known after its first copy was ingested, evicted, and the store reopened', async () => {
      const key = await chat(subject().store, 'a');
      await subject().store.accept(acceptText(key, textMessage(1)));
      await subject().store.accept(acceptText(key, textMessage(2)));
      await subject().store.ingest({ correspondent: key, messages: [textMessage(1)], now: NOW });
      await subject().store.evict(key, [2]);
      const store = await subject().reopen();
      for (const id of [1, 2]) {
        const copy = textMessage(3, { providerMessageId: `provider-${id}` });
        expect(await store.accept(acceptText(key, copy))).toEqual({ kind: 'duplicate', id });
      }
    });

    test('of two copies accepted at the same time one is the duplicate of the other', async () => {
      const { store } = subject();
      const key = await chat(store, 'a');
      const copies = [1, 2].map((id) => textMessage(id, { providerMessageId: 'same' }));
      const outcomes = await Promise.all(copies.map((copy) => store.accept(acceptText(key, copy))));
      expect(outcomes).toEqual([{ kind: 'accepted' }, { kind: 'duplicate', id: 1 }]);
    });

    test('duplicate keys first seen before a time can be forgotten', async () => {
      const { store } = subject();
      const key = await chat(store, 'a');
      await store.accept(acceptText(key, textMessage(1, { acceptedTime: NOW - 10 })));
      await store.accept(acceptText(key, textMessage(2, { acceptedTime: NOW })));
      expect(await store.pruneMessageIds(NOW)).toBe(1);
      expect(await store.pruneMessageIds(NOW)).toBe(0);
      const again = [1, 2].map((id) => textMessage(id + 2, { providerMessageId: `provider-${id}` }));
      const outcomes = await Promise.all(again.map((message) => store.accept(acceptText(key, message))));
      expect(outcomes).toEqual([{ kind: 'accepted' }, { kind: 'duplicate', id: 2 }]);
    });

    test('Q5: an id that was given before is refused, and nothing of that acceptance is there', async () => {
      const { store } = subject();
      const key = await chat(store, 'a');
      await store.accept(acceptText(key, textMessage(1)));
      await store.accept(acceptText(key, textMessage(5)));
      await store.evict(key, [5]);
      const stale = textMessage(5, { providerMessageId: 'new' });
      await expect(store.accept(acceptText(key, stale))).rejects.toSatisfy(broken);
      expect((await store.rehydrate(key)).nextId).toBe(6);
      expect((await store.accept(acceptText(key, { ...stale, id: 6 }))).kind).toBe('accepted');
    });

    test('S4: a GUID that has a job is refused to another message, alone', async () => {
      const { store } = subject();
      const key = await chat(store, 'a');
      const guid = newGuid();
      await store.accept(acceptMedia(key, placeholderMessage(1, guid)));
      const [second, third] = await Promise.allSettled([
        store.accept(acceptMedia(key, placeholderMessage(2, guid))),
        store.accept(acceptText(key, textMessage(3))),
      ]);
      expect(second.status === 'rejected' && broken(second.reason)).toBe(true);
      expect(third.status).toBe('fulfilled');
      expect((await store.rehydrate(key)).messages.map(({ id }) => id)).toEqual([1, 3]);
      expect(
        (await store.accept(acceptText(key, textMessage(4, { providerMessageId: 'provider-2' })))).kind,
      ).toBe('accepted');
    });

    test('S4: a placeholder without a job and a live job without its placeholder are refused', async () => {
      const { store } = subject();
      const key = await chat(store, 'a');
      const placeholder = placeholderMessage(1);
      await expect(store.accept(acceptText(key, placeholder))).rejects.toSatisfy(broken);
      const jobOfText = { ...acceptText(key, textMessage(1)), job: newJob(newGuid()) };
      await expect(store.accept(jobOfText)).rejects.toSatisfy(broken);
      expect((await store.rehydrate(key)).messages).toEqual([]);
    });

    test('accepting evicts ready messages in the same transaction, and never a placeholder', async () => {
      const { store } = subject();
      const key = await chat(store, 'a');
      const placeholder = placeholderMessage(2);
      await store.accept(acceptText(key, textMessage(1)));
      await store.accept(acceptMedia(key, placeholder));
      await store.accept({ ...acceptText(key, textMessage(3)), evictedIds: [1, 2] });
      expect((await store.rehydrate(key)).messages).toEqual([placeholder, textMessage(3)]);
      await store.evict(key, [2, 3, 99]);
      expect((await store.rehydrate(key)).messages).toEqual([placeholder]);
    });

    test('S4: a placeholder that the journal lost comes back while its job lives, with what it evicts', async () => {
      const { store, lose } = subject();
      const key = await chat(store, 'a');
      const placeholder = placeholderMessage(7);
      await store.accept(acceptText(key, textMessage(3)));
      await store.accept(acceptMedia(key, placeholder));
      await lose(key, 7);
      expect((await store.rehydrate(key)).messages).toEqual([textMessage(3)]);
      expect(await store.reinstate(key, placeholder, [3])).toBe('reinstated');
      expect(await store.rehydrate(key)).toEqual({ nextId: 8, messages: [placeholder] });
      expect(await store.reinstate(key, placeholder, [])).toBe('gone');
      expect(await (await subject().reopen()).rehydrate(key)).toEqual({ nextId: 8, messages: [placeholder] });
    });

    test('Q5: reinstating raises the next id above the placeholder', async () => {
      const { store, lose } = subject();
      const key = await chat(store, 'a');
      const placeholder = placeholderMessage(1);
      await store.accept(acceptMedia(key, placeholder));
      await lose(key, 1);
      expect(await store.reinstate(key, { ...placeholder, id: 9 }, [])).toBe('reinstated');
      expect((await store.rehydrate(key)).nextId).toBe(10);
    });

    test('nothing is put back whose place is taken, whose history is written, or whose job is gone', async () => {
      const { store, lose } = subject();
      const [key, other] = [await chat(store, 'a'), await chat(store, 'b')];
      const placeholder = placeholderMessage(1);
      const guid = placeholder.mediaProcessingId;
      await store.accept(acceptMedia(key, placeholder));
      await store.accept(acceptText(key, textMessage(2)));
      await store.accept(acceptText(key, textMessage(3)));
      await store.ingest({ correspondent: key, messages: [textMessage(2)], now: NOW });
      const before = await store.rehydrate(key);
      const elsewhere = { ...placeholder, id: 8 };
      const isGone = async (at: typeof key, lost: typeof placeholder): Promise<void> =>
        expect(await store.reinstate(at, lost, [3])).toBe('gone');
      await isGone(key, elsewhere);
      await lose(key, 1);
      await isGone(key, { ...placeholder, id: 2 });
      await isGone(key, { ...placeholder, id: 3 });
      await isGone(other, elsewhere);
      await isGone(key, placeholderMessage(1));
      await store.discardJob(guid, jobError('stale'), NOW);
      await isGone(key, placeholder);
      expect((await store.rehydrate(key)).messages).toEqual(before.messages.slice(1));
      expect((await store.rehydrate(other)).messages).toEqual([]);
    });

    test('settling turns the placeholder into its text at its place, and the job is gone', async () => {
      const { store } = subject();
      const key = await chat(store, 'a');
      const placeholder = placeholderMessage(2);
      const guid = placeholder.mediaProcessingId;
      await store.accept(acceptText(key, textMessage(1)));
      await store.accept(acceptMedia(key, placeholder));
      await store.accept(acceptText(key, textMessage(3)));
      const message = fulfilled(placeholder);
      const settlement = { correspondent: key, guid, message, evictedIds: [1], error: null };
      expect(await store.settle(settlement)).toBe('settled');
      expect((await store.rehydrate(key)).messages).toEqual([message, textMessage(3)]);
      expect(await store.jobByGuid(guid)).toBeNull();
    });

    test('settling twice tells that it is gone, and evicts nothing', async () => {
      const { store } = subject();
      const key = await chat(store, 'a');
      const placeholder = placeholderMessage(1);
      const guid = placeholder.mediaProcessingId;
      await store.accept(acceptMedia(key, placeholder));
      await store.accept(acceptText(key, textMessage(2)));
      const message = fulfilled(placeholder);
      const settlement = { correspondent: key, guid, message, evictedIds: [], error: null };
      expect(await store.settle(settlement)).toBe('settled');
      const again = { ...settlement, message: fulfilled(placeholder, 'other words'), evictedIds: [2] };
      expect(await store.settle(again)).toBe('gone');
      expect((await store.rehydrate(key)).messages).toEqual([message, textMessage(2)]);
    });

    test('settling with an error leaves a failed job, which no later settling touches', async () => {
      const { store } = subject();
      const key = await chat(store, 'a');
      const placeholder = placeholderMessage(1);
      const guid = placeholder.mediaProcessingId;
      await store.accept(acceptMedia(key, placeholder));
      const message = fulfilled(placeholder, '[Media processing failed] a caption');
      const settlement = { correspondent: key, guid, message, evictedIds: [], error: jobError('stale') };
      expect(await store.settle(settlement)).toBe('settled');
      const failedJob = {
        guid,
        collection: 'failed',
        status: 'completed',
        error: jobError('stale'),
        claimToken: null,
        leaseExpiresAt: null,
        changedAt: message.readyTime,
        placeholder,
      };
      expect(await store.jobByGuid(guid)).toMatchObject(failedJob);
      expect(await jobsIn(store, 'bot-a', 'failed')).toHaveLength(1);
      expect(await store.settle({ ...settlement, error: null })).toBe('gone');
      expect(await store.jobByGuid(guid)).toMatchObject(failedJob);
    });

    test.for([
      ['deleted', null],
      ['a failed job', jobError('orphaned')],
    ] as const)('a job without its placeholder is %s when it is settled or discarded', async ([, error]) => {
      const { store } = subject();
      const key = await chat(store, 'a');
      const placeholders = [placeholderMessage(1), placeholderMessage(2)] as const;
      for (const placeholder of placeholders) await store.accept(acceptMedia(key, placeholder));
      const [settled, discarded] = placeholders;
      const misplaced = { ...fulfilled(settled), id: 77 };
      const settlement = {
        correspondent: key,
        guid: settled.mediaProcessingId,
        message: misplaced,
        evictedIds: [],
        error,
      };
      expect(await store.settle(settlement)).toBe('gone');
      expect(await store.discardJob(discarded.mediaProcessingId, error, NOW)).toBe(true);
      expect(await store.discardJob(discarded.mediaProcessingId, error, NOW)).toBe(false);
      expect(await jobsIn(store, 'bot-a', 'active')).toEqual([]);
      const failedJobs = await jobsIn(store, 'bot-a', 'failed');
      expect(failedJobs.map((job) => job.error)).toEqual(error === null ? [] : [error, error]);
    });

    test('a text over the cap is accepted together with its failed job', async () => {
      const { store } = subject();
      const key = await chat(store, 'a');
      const placeholder = placeholderMessage(1);
      const guid = placeholder.mediaProcessingId;
      const start = { kind: 'failed', error: jobError('too_many_pending'), placeholder } as const;
      const message = textMessage(1, { content: '[Unprocessed audio media: too many pending] a caption' });
      await store.accept({ ...acceptText(key, message), job: newJob(guid, { start }) });
      expect((await store.rehydrate(key)).messages).toEqual([message]);
      expect(await store.jobByGuid(guid)).toMatchObject({
        collection: 'failed',
        error: start.error,
        placeholder,
      });
    });

    test('S3, S6: ingested messages leave the journal for the history, in the order given', async () => {
      const { store } = subject();
      const key = await chat(store, 'a');
      const messages = [1, 2, 3, 4].map((id) => textMessage(id));
      for (const message of messages) await store.accept(acceptText(key, message));
      const [first, second, third, fourth] = messages;
      if (!first || !second || !third || !fourth) throw new Error('four messages');
      expect(await store.ingest({ correspondent: key, messages: [second, first], now: NOW + 1 })).toEqual({
        ingested: 2,
      });
      expect(
        await store.ingest({ correspondent: key, messages: [first, fourth, third], now: NOW + 2 }),
      ).toEqual({ ingested: 2 });
      expect((await store.rehydrate(key)).messages).toEqual([]);
      const entries = await store.history(key, { afterSeq: 0, limit: 10 });
      expect(entries).toEqual([
        { ingestSeq: 1, ingestedAt: NOW + 1, message: second },
        { ingestSeq: 2, ingestedAt: NOW + 1, message: first },
        { ingestSeq: 3, ingestedAt: NOW + 2, message: fourth },
        { ingestSeq: 4, ingestedAt: NOW + 2, message: third },
      ]);
      expect(await store.history(key, { afterSeq: 1, limit: 2 })).toEqual(entries.slice(1, 3));
      expect((await store.correspondents('bot-a'))[0]).toMatchObject({ nextId: 5, nextIngestSeq: 5 });
    });

    test('S3: a placeholder is not ingested', async () => {
      const { store } = subject();
      const key = await chat(store, 'a');
      const placeholder = placeholderMessage(1);
      await store.accept(acceptMedia(key, placeholder));
      expect(
        await store.ingest({ correspondent: key, messages: [fulfilled(placeholder)], now: NOW }),
      ).toEqual({ ingested: 0 });
      expect((await store.rehydrate(key)).messages).toEqual([placeholder]);
      expect(await store.history(key, { afterSeq: 0, limit: 1 })).toEqual([]);
    });

    test('many chats written at once keep their own order and counts', async () => {
      const { store } = subject();
      const keys = await Promise.all(Array.from({ length: 20 }, (_, index) => chat(store, `chat-${index}`)));
      const ids = Array.from({ length: 10 }, (_, index) => index + 1);
      await Promise.all(
        keys.flatMap((key) => ids.map((id) => store.accept(acceptText(key, textMessage(id))))),
      );
      await Promise.all(
        keys.map((correspondent) =>
          store.ingest({ correspondent, messages: ids.slice(0, 5).map((id) => textMessage(id)), now: NOW }),
        ),
      );
      for (const key of keys) {
        const history = await store.history(key, { afterSeq: 0, limit: 100 });
        expect(history.map(({ message }) => message.id)).toEqual([1, 2, 3, 4, 5]);
        expect((await store.rehydrate(key)).messages.map(({ id }) => id)).toEqual([6, 7, 8, 9, 10]);
      }
    });

    test('bots are kept as last saved', async () => {
      const bot = {
        botId: 'bot-a',
        providerName: 'simulator',
        gatewayId: 'gateway-1',
        createdAt: NOW,
        stopped: false,
        pairingPhone: null,
        settings: null,
        removed: false,
      };
      const other = { ...bot, botId: 'bot-0', pairingPhone: '4915550000001', settings: '{"groups":"none"}' };
      const changed = { ...bot, gatewayId: 'gateway-2', stopped: true, removed: true };
      for (const each of [bot, other, changed]) await subject().store.saveBot(each);
      const store = await subject().reopen();
      expect(await store.bots()).toEqual([other, changed]);
    });

    test('a closed store refuses', async () => {
      const { store } = subject();
      const key = await chat(store, 'a');
      await store.close();
      await expect(store.accept(acceptText(key, textMessage(1)))).rejects.toSatisfy(unavailable);
      await expect(store.history(key, { afterSeq: 0, limit: 1 })).rejects.toSatisfy(unavailable);
    });
  });
};
