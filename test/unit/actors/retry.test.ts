import { describe, expect, test } from 'vitest';
import { newGuid } from '../../../src/base/ids.ts';
import { chatBench } from '../../support/chat-bench.ts';
import { mediaFrame, textFrame } from '../../support/inbound-frames.ts';
import { jobError, stagedMedia } from '../../support/store-records.ts';
import { TestLink } from '../../support/test-link.ts';

const FAILED = { words: 'Media processing failed', error: jobError() };

type Bench = Awaited<ReturnType<typeof chatBench>>;

/** A chat with a medium that failed and a text behind it. */
async function withFailedJob(...args: Parameters<typeof chatBench>) {
  const bench = await chatBench(...args);
  const frame = mediaFrame('ann', 'listen');
  await bench.chat.ask('accept', { frame, link: new TestLink(), isLastTry: false });
  await bench.store.stage(frame.mediaGuid, stagedMedia(), 0);
  await bench.chat.ask('settle', { guid: frame.mediaGuid, ...FAILED });
  await bench.chat.ask('accept', { frame: textFrame('ann', 'and?'), link: new TestLink(), isLastTry: false });
  bench.woken.length = 0;
  return { ...bench, guid: frame.mediaGuid };
}

const stateOf = async ({ store, key }: Bench, guid: string) => ({
  ...(await store.rehydrate(key)),
  job: await store.jobByGuid(guid),
});

describe('a failed job that is retried', () => {
  test('arrives at the tail as a message of its own, which names the one that it corrects', async () => {
    const bench = await withFailedJob();
    const { chat, store, key, guid, journalOf, events, woken } = bench;
    expect(await chat.ask('retry', guid)).toEqual({ kind: 'retried', id: 3, correctsId: 1 });
    expect(await store.jobByGuid(guid)).toMatchObject({
      collection: 'active',
      status: 'pending',
      attempts: 0,
    });
    expect(woken).toEqual(['audio']);
    expect(events.filter(({ kind }) => kind === 'accepted').at(-1)).toMatchObject({ message: { id: 3 } });

    expect(await chat.ask('settle', { guid, words: 'words', error: null })).toBe('settled');
    expect(await journalOf('ann')).toEqual(['[Media processing failed] listen', 'and?', '[words] listen']);
    const { messages } = await store.rehydrate(key);
    expect(messages.map(({ correctsId }) => correctsId)).toEqual([null, null, 1]);
    expect(await store.jobByGuid(guid)).toBeNull();
  });

  test('and fails once more corrects the first message again', async () => {
    const { chat, guid } = await withFailedJob();
    await chat.ask('retry', guid);
    await chat.ask('settle', { guid, ...FAILED });
    expect(await chat.ask('retry', guid)).toEqual({ kind: 'retried', id: 4, correctsId: 1 });
  });

  test('is not settled by the outcome that it had before, however late that is heard of', async () => {
    const { chat, store, guid } = await withFailedJob();
    await chat.ask('retry', guid);
    expect(await chat.ask('settle', { guid, place: 1, ...FAILED })).toBe('gone');
    expect(await store.jobByGuid(guid)).toMatchObject({ collection: 'active', status: 'pending' });
    expect(await chat.ask('settle', { guid, place: 3, words: 'words', error: null })).toBe('settled');
  });

  test('waits in holding while its bot is away', async () => {
    const { chat, store, guid } = await withFailedJob({}, { jobsStartIn: () => 'holding' });
    await chat.ask('retry', guid);
    expect(await store.jobByGuid(guid)).toMatchObject({ collection: 'holding', status: 'pending' });
  });

  test('goes to the pool that its bytes are for now', async () => {
    const { chat, store, guid } = await withFailedJob({}, { mimeTypeOf: () => Promise.resolve('image/png') });
    await chat.ask('retry', guid);
    expect(await store.jobByGuid(guid)).toMatchObject({ mimeType: 'image/png', pool: 'image' });
  });
});

describe('a retry is refused, and changes nothing,', () => {
  test('when there is no such job', async () => {
    const { chat } = await withFailedJob();
    expect(await chat.ask('retry', newGuid())).toEqual({ kind: 'not_found' });
  });

  test('when the job is alive: two retries at once make one message', async () => {
    const { chat, guid, journalOf } = await withFailedJob();
    const outcomes = await Promise.all([chat.ask('retry', guid), chat.ask('retry', guid)]);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['retried', 'not_failed']);
    expect(await journalOf('ann')).toHaveLength(3);
  });

  test('when its file is gone', async () => {
    const bench = await withFailedJob();
    const before = await stateOf(bench, bench.guid);
    bench.gone.add(bench.guid);
    expect(await bench.chat.ask('retry', bench.guid)).toEqual({ kind: 'file_gone' });
    expect(await stateOf(bench, bench.guid)).toEqual(before);
  });

  test('when the chat has as many placeholders as it may', async () => {
    const bench = await withFailedJob({ maxPlaceholders: 1 });
    await bench.chat.ask('accept', { frame: mediaFrame('ann'), link: new TestLink(), isLastTry: false });
    const before = await stateOf(bench, bench.guid);
    expect(await bench.chat.ask('retry', bench.guid)).toEqual({ kind: 'too_many_pending' });
    expect(await stateOf(bench, bench.guid)).toEqual(before);
  });

  test.for(['before', 'after'] as const)(
    'when its write fails unheard (%s it was done), and the chat is as the disk says',
    async (point) => {
      const bench = await withFailedJob();
      const { chat, guid, faults } = bench;
      faults.fail('retryFailedJob', point);
      await expect(chat.ask('retry', guid)).rejects.toMatchObject({ code: 'store_unavailable' });
      const outcome = await chat.ask('retry', guid);
      expect(outcome.kind).toBe(point === 'before' ? 'retried' : 'not_failed');
      expect(await chat.ask('settle', { guid, words: 'words', error: null })).toBe('settled');
    },
  );
});
