import { describe, expect, test } from 'vitest';
import type { Chat } from '../../../src/actors/chat-protocol.ts';
import { newGuid } from '../../../src/base/ids.ts';
import type { InboundFrame } from '../../../src/protocol/frames.ts';
import { settle } from '../../support/actor-kit.ts';
import { chatBench } from '../../support/chat-bench.ts';
import { mediaFrame, textFrame } from '../../support/inbound-frames.ts';
import {
  acceptMedia,
  acceptText,
  placeholderMessage,
  stagedMedia,
  textMessage,
} from '../../support/store-records.ts';
import { TestLink } from '../../support/test-link.ts';

const accept = (chat: Chat, frame: InboundFrame, link = new TestLink()) =>
  chat.ask('accept', { frame, link, isLastTry: false });
const words = (guid: string, text = 'words') => ({ guid, words: text, error: null });

/** A medium of the chat that a worker has in hand. */
async function claimed(bench: Awaited<ReturnType<typeof chatBench>>) {
  const frame = mediaFrame('ann', 'look');
  await accept(bench.chat, frame);
  await bench.store.stage(frame.mediaGuid, stagedMedia('audio'), bench.clock.now());
  const job = await bench.store.claim({ pool: 'audio', now: 0, leaseMs: 30_000, cappedBots: [] });
  if (job === null) throw new Error('expected a job');
  const conclude = (token: string) =>
    bench.chat.ask('settle', {
      ...words(frame.mediaGuid),
      place: 1,
      claim: { token, completedAt: bench.clock.now() },
    });
  return { guid: frame.mediaGuid, job, conclude };
}

describe('a chat that accepts', () => {
  test('makes a text durable, announces itself and tells the watchers', async () => {
    const { chat, journalOf, announced, events } = await chatBench();
    expect(await accept(chat, textFrame('ann', 'hello'))).toBe('accepted');
    expect(await journalOf('ann')).toEqual(['hello']);
    expect(announced.at(-1)).toBe(chat);
    expect(events.map(({ kind }) => kind)).toEqual(['rehydrated', 'queue', 'accepted', 'queue']);
    expect(events.at(-1)).toMatchObject({ counts: { ready: 1, placeholders: 0 } });
  });

  test('keeps the first copy of a message', async () => {
    const { chat, journalOf, events } = await chatBench();
    const frame = textFrame('ann', 'hello');
    await accept(chat, frame);
    expect(await accept(chat, frame)).toBe('duplicate');
    expect(await journalOf('ann')).toEqual(['hello']);
    expect(events.at(-1)).toMatchObject({ kind: 'duplicate', id: 1 });
  });

  test('gives a medium its place and its job in one transaction', async () => {
    const { chat, store, key } = await chatBench();
    const frame = mediaFrame('ann', 'look');
    await accept(chat, frame);
    const { messages } = await store.rehydrate(key);
    expect(messages).toMatchObject([{ content: 'look', mediaProcessingId: frame.mediaGuid }]);
    expect(await store.jobByGuid(frame.mediaGuid)).toMatchObject({
      status: 'downloading',
      collection: 'active',
      correspondent: key,
    });
  });

  test('wakes the pool of a medium that is staged already, by the type that its bytes show', async () => {
    const { chat, store, woken } = await chatBench(
      {},
      {
        mimeTypeOf: (_guid, sendersWord) =>
          Promise.resolve(sendersWord === 'audio/ogg' ? 'image/jpeg' : 'text/plain'),
      },
    );
    const frame = mediaFrame('ann', '', { media_state: 'staged' });
    await accept(chat, frame);
    expect(await store.jobByGuid(frame.mediaGuid)).toMatchObject({ status: 'pending', pool: 'image' });
    expect(woken).toEqual(['image']);
  });

  test('takes a medium over the cap as a text that says so, with a failed job', async () => {
    const { chat, journalOf, store } = await chatBench({ maxPlaceholders: 0 });
    const frame = mediaFrame('ann', 'look');
    expect(await accept(chat, frame)).toBe('unprocessed');
    expect(await journalOf('ann')).toEqual(['[Unprocessed audio media: too many pending] look']);
    expect(await store.jobByGuid(frame.mediaGuid)).toMatchObject({ collection: 'failed' });
  });

  test('takes a medium whose job is there for a duplicate, though another chat accepted it', async () => {
    const { chat, store, keyOf, journalOf } = await chatBench();
    const frame = mediaFrame('ann');
    const placeholder = placeholderMessage(1, frame.mediaGuid, {
      providerMessageId: frame.message.provider_message_id,
    });
    await store.accept(acceptMedia(await keyOf('ann-by-number'), placeholder));
    expect(await accept(chat, frame)).toBe('duplicate');
    expect(await journalOf('ann')).toEqual([]);
  });

  test('refuses the GUID of another message, and stays sound', async () => {
    const { chat, journalOf } = await chatBench();
    const frame = mediaFrame('ann');
    await accept(chat, frame);
    const link = new TestLink();
    const thief = mediaFrame('ann', 'mine', { media_processing_id: frame.mediaGuid });
    expect(await accept(chat, thief, link)).toBe('refused');
    expect(link.failure).toBeNull();
    expect(await accept(chat, textFrame('ann', 'on'))).toBe('accepted');
    expect(await journalOf('ann')).toEqual(['', 'on']);
  });
});

describe('C2: a chat whose write fails', () => {
  test.for(['before', 'after'] as const)(
    'closes the link before it looks at the next frame (failed %s the write)',
    async (point) => {
      const { chat, faults, journalOf } = await chatBench();
      const link = new TestLink();
      const [first, second] = [textFrame('ann', 'one'), textFrame('ann', 'two')];
      faults.fail('accept', point);
      const outcomes = await Promise.allSettled([accept(chat, first, link), accept(chat, second, link)]);
      expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
      expect(link.failure).toBe('store_unavailable');

      const again = new TestLink();
      await accept(chat, first, again);
      await accept(chat, second, again);
      expect(await journalOf('ann')).toEqual(['one', 'two']);
    },
  );

  test('rehydrates: what was written unheard is there, announced, and no id is used twice', async () => {
    const { chat, faults, store, key, announced } = await chatBench();
    await accept(chat, textFrame('ann', 'one'));
    faults.fail('accept', 'after');
    await expect(accept(chat, textFrame('ann', 'two'))).rejects.toMatchObject({ code: 'store_unavailable' });
    const before = announced.length;
    await accept(chat, textFrame('ann', 'three'));
    const { messages } = await store.rehydrate(key);
    expect(messages.map(({ id, content }) => [id, content])).toEqual([
      [1, 'one'],
      [2, 'two'],
      [3, 'three'],
    ]);
    // Two and three; one was announced by this process before.
    expect(announced.length - before).toBe(2);
  });

  test('C4: announces itself at its start and whenever it forgot its memory', async () => {
    const { chat, faults, announced, notes } = await chatBench();
    await settle();
    expect(announced).toEqual([chat]);
    expect(notes).toEqual([false]);
    await chat.ask('wake', undefined);
    expect(notes.at(-1)).toBe(true);
    faults.fail('accept', 'before');
    await expect(accept(chat, textFrame('ann', 'one'))).rejects.toThrow('away');
    expect(announced).toEqual([chat, chat]);
    expect(notes.at(-1)).toBe(false);
  });

  test('says what its queue is like after every turn, one that does nothing too', async () => {
    const { chat, notes } = await chatBench();
    await chat.ask('wake', undefined);
    const before = notes.length;
    await chat.ask('catchUp', undefined);
    expect(notes.slice(before)).toEqual([true]);
  });

  test('restarts after a bug with what the journal holds, and announces it', async () => {
    const { chat, faults, announced, historyOf } = await chatBench();
    await accept(chat, textFrame('ann', 'one'));
    const before = announced.length;
    const link = new TestLink();
    faults.fail('accept', 'bug');
    await expect(accept(chat, textFrame('ann', 'two'), link)).rejects.toMatchObject({ code: 'actor_failed' });
    expect(link.failure).toBe('a bug');
    await settle();
    expect(announced.length).toBeGreaterThan(before);
    expect(await chat.ask('ingest', undefined)).toEqual({ kind: 'ingested', more: false });
    expect(await historyOf('ann')).toEqual(['one']);
  });

  test('accepts nothing over a link that is down', async () => {
    const { chat, journalOf } = await chatBench();
    const link = new TestLink();
    link.close('gone');
    await expect(accept(chat, textFrame('ann', 'one'), link)).rejects.toMatchObject({ code: 'link_closed' });
    expect(await journalOf('ann')).toEqual([]);
  });
});

describe('a chat that settles', () => {
  test('puts words in the place, and ends the job', async () => {
    const { chat, store, journalOf } = await chatBench();
    const frame = mediaFrame('ann', 'look');
    await accept(chat, textFrame('ann', 'one'));
    await accept(chat, frame);
    await accept(chat, textFrame('ann', 'three'));
    expect(await chat.ask('settle', words(frame.mediaGuid))).toBe('settled');
    expect(await journalOf('ann')).toEqual(['one', '[words] look', 'three']);
    expect(await store.jobByGuid(frame.mediaGuid)).toBeNull();
  });

  test.for(['before', 'after'] as const)('can settle again after a failure %s the write', async (point) => {
    const { chat, faults, journalOf, store } = await chatBench();
    const frame = mediaFrame('ann', 'look');
    await accept(chat, frame);
    faults.fail('settle', point);
    await expect(chat.ask('settle', words(frame.mediaGuid))).rejects.toMatchObject({
      code: 'store_unavailable',
    });
    expect(await chat.ask('settle', words(frame.mediaGuid))).toBe(point === 'before' ? 'settled' : 'gone');
    expect(await journalOf('ann')).toEqual(['[words] look']);
    expect(await store.jobByGuid(frame.mediaGuid)).toBeNull();
  });

  describe('for a worker that has its job in hand', () => {
    test('puts words in the place, and ends the job', async () => {
      const bench = await chatBench();
      const { guid, job, conclude } = await claimed(bench);
      expect(await conclude(job.claimToken)).toBe('settled');
      expect(await bench.journalOf('ann')).toEqual(['[words] look']);
      expect(await bench.store.jobByGuid(guid)).toBeNull();
      expect(bench.faults.calls).not.toContain('complete');
    });

    test('S5: changes nothing when its token is stale, in memory neither', async () => {
      const bench = await chatBench();
      const { guid, conclude } = await claimed(bench);
      expect(await conclude('stale')).toBe('stale');
      expect(await bench.chat.ask('wake', undefined)).toHaveLength(1);
      expect(await bench.store.jobByGuid(guid)).toMatchObject({ status: 'processing' });
    });

    test('leaves a job alone that has no place here', async () => {
      const bench = await chatBench();
      const { guid, job, conclude } = await claimed(bench);
      bench.database.chats.lose(bench.key, 1);
      bench.faults.fail('settle', 'before');
      await expect(bench.chat.ask('settle', words(guid))).rejects.toMatchObject({
        code: 'store_unavailable',
      });
      expect(await conclude(job.claimToken)).toBe('gone');
      expect(await bench.store.jobByGuid(guid)).toMatchObject({ claimToken: job.claimToken });
    });
  });

  test('ends a job that has no place', async () => {
    const { chat, store, database, key, journalOf } = await chatBench();
    const frame = mediaFrame('ann');
    await accept(chat, frame);
    database.chats.lose(key, 1);
    expect(await chat.ask('settle', words(frame.mediaGuid))).toBe('gone');
    expect(await store.jobByGuid(frame.mediaGuid)).toBeNull();
    expect(await chat.ask('wake', undefined)).toEqual([]);
    expect(await chat.ask('settle', words(frame.mediaGuid))).toBe('gone');
    expect(await journalOf('ann')).toEqual([]);
  });
});

describe('C3: a chat at its limits', () => {
  test('ingests what is ready before it would evict, however fast messages come', async () => {
    const { chat, historyOf, journalOf, events } = await chatBench({ maxMessages: 3 });
    const texts = Array.from({ length: 20 }, (_, nth) => `text ${nth}`);
    const link = new TestLink();
    await Promise.all(texts.map((text) => accept(chat, textFrame('ann', text), link)));
    expect([...(await historyOf('ann')), ...(await journalOf('ann'))]).toEqual(texts);
    expect(events.filter(({ kind }) => kind === 'evicted')).toEqual([]);
  });

  test('evicts the oldest, and says so, when the history cannot be written', async () => {
    const { chat, faults, journalOf, events } = await chatBench({ maxMessages: 1 });
    await accept(chat, textFrame('ann', 'one'));
    faults.fail('ingest', 'before');
    await accept(chat, textFrame('ann', 'two'));
    expect(await journalOf('ann')).toEqual(['two']);
    expect(events).toContainEqual(expect.objectContaining({ kind: 'evicted', id: 1, reason: 'count' }));
  });

  test('settling evicts nothing while the history can be written', async () => {
    const { chat, historyOf, journalOf } = await chatBench({ maxMessages: 1 });
    const frame = mediaFrame('ann', 'look');
    await accept(chat, frame);
    await accept(chat, textFrame('ann', 'two'));
    await chat.ask('settle', words(frame.mediaGuid));
    expect(await historyOf('ann')).toEqual(['two']);
    expect(await journalOf('ann')).toEqual(['[words] look']);
  });

  test('what grew too old is ingested by the age tick, or evicted when that fails', async () => {
    const { chat, clock, faults, historyOf, journalOf } = await chatBench({ maxDays: 1 });
    const day = 86_400_001;
    await accept(chat, textFrame('ann', 'one'));
    clock.advance(day);
    await settle();
    expect([await historyOf('ann'), await journalOf('ann')]).toEqual([['one'], []]);
    await accept(chat, textFrame('ann', 'two'));
    faults.fail('ingest', 'before');
    clock.advance(day);
    await settle();
    expect([await historyOf('ann'), await journalOf('ann')]).toEqual([['one'], []]);
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('a chat at recovery', () => {
  test('wakes with the placeholders that its journal holds', async () => {
    const { chat } = await chatBench();
    const [one, two] = [mediaFrame('ann'), mediaFrame('ann')];
    await accept(chat, one);
    await accept(chat, textFrame('ann', 'text'));
    await accept(chat, two);
    expect(
      (await chat.ask('wake', undefined)).map(({ id, mediaProcessingId }) => [id, mediaProcessingId]),
    ).toEqual([
      [1, one.mediaGuid],
      [3, two.mediaGuid],
    ]);
  });

  test('puts back a placeholder whose job lives, durably, once', async () => {
    const { chat, database, store, key, journalOf } = await chatBench();
    const placeholder = placeholderMessage(1, newGuid(), { content: 'look' });
    await store.accept(acceptMedia(key, placeholder));
    await store.accept(acceptText(key, textMessage(2, { content: 'text' })));
    database.chats.lose(key, 1);
    expect(await chat.ask('wake', undefined)).toEqual([]);
    await chat.ask('inject', placeholder);
    await chat.ask('inject', placeholder);
    expect(await journalOf('ann')).toEqual(['look', 'text']);
    expect(await chat.ask('settle', words(placeholder.mediaProcessingId))).toBe('settled');
    expect(await journalOf('ann')).toEqual(['[words] look', 'text']);
  });

  test('puts back a placeholder whose result comes first', async () => {
    const { chat, database, store, key, journalOf } = await chatBench();
    const placeholder = placeholderMessage(1, newGuid(), { content: 'look' });
    await store.accept(acceptMedia(key, placeholder));
    await store.accept(acceptText(key, textMessage(2, { content: 'text' })));
    database.chats.lose(key, 1);
    expect(await chat.ask('settle', words(placeholder.mediaProcessingId))).toBe('settled');
    expect(await journalOf('ann')).toEqual(['[words] look', 'text']);
    expect(await store.jobByGuid(placeholder.mediaProcessingId)).toBeNull();
  });

  test('ends a job whose place another message has', async () => {
    const { chat, database, store, key, journalOf } = await chatBench();
    const { mediaProcessingId: guid, ...rest } = placeholderMessage(1, newGuid());
    await store.accept(acceptMedia(key, { ...rest, mediaProcessingId: guid }));
    database.chats.lose(key, 1);
    database.chats.owned(key, store.fence).journal.set(1, textMessage(1, { content: 'text' }));
    expect(await chat.ask('settle', words(guid))).toBe('gone');
    expect([await journalOf('ann'), await store.jobByGuid(guid)]).toEqual([['text'], null]);
  });

  test('does not put back a placeholder that was settled meanwhile', async () => {
    const { chat, store, journalOf, historyOf } = await chatBench();
    const frame = mediaFrame('ann', 'look');
    await accept(chat, frame);
    const job = await store.jobByGuid(frame.mediaGuid);
    if (job === null) throw new Error('expected a job');
    await chat.ask('settle', words(frame.mediaGuid));
    await chat.ask('inject', job.placeholder);
    expect(await journalOf('ann')).toEqual(['[words] look']);
    await chat.ask('ingest', undefined);
    await chat.ask('inject', job.placeholder);
    expect([await historyOf('ann'), await journalOf('ann')]).toEqual([['[words] look'], []]);
    expect(await chat.ask('wake', undefined)).toEqual([]);
  });
});

describe('a chat that is asked to ingest', () => {
  test('moves a hundred at a time and says whether there are more', async () => {
    const { chat, historyOf } = await chatBench();
    const link = new TestLink();
    await Promise.all(Array.from({ length: 150 }, (_, n) => accept(chat, textFrame('ann', `${n}`), link)));
    expect(await chat.ask('ingest', undefined)).toEqual({ kind: 'ingested', more: true });
    expect(await chat.ask('ingest', undefined)).toEqual({ kind: 'ingested', more: false });
    expect(await chat.ask('ingest', undefined)).toEqual({ kind: 'empty' });
    expect(await historyOf('ann')).toHaveLength(150);
  });

  test('in strict order says until when a placeholder holds the rest', async () => {
    const { chat, clock } = await chatBench({}, { ordering: { kind: 'strict', strictHoldMs: 1_000 } });
    await accept(chat, mediaFrame('ann'));
    await accept(chat, textFrame('ann', 'text'));
    expect(await chat.ask('ingest', undefined)).toEqual({ kind: 'held', until: clock.now() + 1_000 });
    clock.advance(1_000);
    expect(await chat.ask('ingest', undefined)).toEqual({ kind: 'ingested', more: false });
  });

  test('ingests nothing twice when the write was made unheard', async () => {
    const { chat, faults, historyOf } = await chatBench();
    await accept(chat, textFrame('ann', 'one'));
    faults.fail('ingest', 'after');
    await expect(chat.ask('ingest', undefined)).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(await chat.ask('ingest', undefined)).toEqual({ kind: 'empty' });
    expect(await historyOf('ann')).toEqual(['one']);
  });
});
