import { describe, expect, test } from 'vitest';
import { hasCode } from '../../../src/base/errors.ts';
import type { CorrespondentQueue } from '../../../src/queue/correspondent-queue.ts';
import type { MessageDraft, Placeholder } from '../../../src/queue/message.ts';
import { textDraft, voiceDraft } from '../../support/drafts.ts';
import { queueWith } from '../../support/queues.ts';

const DAY_MS = 86_400_000;
const NOON = 1_700_000_000_000;

const contentsOf = (queue: CorrespondentQueue): readonly string[] =>
  queue.snapshot().map(({ content }) => content);
const invariantBroken: unknown = expect.toSatisfy((error) => hasCode(error, 'invariant_broken'));

/** A placeholder as a job kept it. */
const keptPlaceholder = (id: number, guid: string): Placeholder => ({
  ...voiceDraft(guid, 'listen'),
  id,
  acceptedTime: NOON,
  readyTime: null,
  mediaTimes: null,
  messageSize: 'listen'.length,
  mediaProcessingId: guid,
});

describe('adding', () => {
  test('Q5: a text takes the next place, ready at once', () => {
    const queue = queueWith({ nextId: 7 });
    const { message } = queue.add(textDraft('hello'), NOON);
    expect(message).toEqual({
      ...textDraft('hello'),
      id: 7,
      acceptedTime: NOON,
      readyTime: NOON,
      mediaTimes: null,
      messageSize: 5,
    });
    expect(queue.nextId).toBe(8);
  });

  test('a medium takes its place as a placeholder that keeps its caption', () => {
    const queue = queueWith();
    const { message } = queue.add(voiceDraft('guid-1', 'listen'), NOON);
    expect(message).toMatchObject({ content: 'listen', mediaProcessingId: 'guid-1', readyTime: null });
    expect(queue).toMatchObject({ placeholderCount: 1, readyCount: 0, oldestPlaceholderTime: NOON });
  });

  test('the words keep when their medium was staged, claimed and completed', () => {
    const queue = queueWith();
    queue.add(voiceDraft('guid-1'), NOON);
    const times = { stagedAt: NOON + 1, claimedAt: NOON + 2, completedAt: NOON + 3 };
    const plan = queue.planFulfil('guid-1', 'words', NOON + 4, times);
    expect(plan?.message).toMatchObject({ mediaTimes: times, acceptedTime: NOON, readyTime: NOON + 4 });
  });

  test('a message keeps all that came with it, from its arrival to its words', () => {
    const draft: MessageDraft = {
      content: 'listen',
      sender: { identifier: 'ada', displayName: 'Ada', alternateIdentifiers: ['77@lid'] },
      source: 'user_outgoing',
      direction: 'outgoing',
      originatingTime: NOON - 1,
      receivedTime: NOON - 1,
      group: { id: 'club', name: 'Club', alternateIdentifiers: [] },
      providerMessageId: 'provider-1',
      mediaProcessingId: 'guid-1',
      mimeType: 'audio/ogg',
      originalFilename: 'note.ogg',
      recipientId: 'club',
      actualSender: 'ada-2',
      quoted: { providerMessageId: 'provider-0', text: 'what?' },
      mentions: ['bob'],
      albumId: 'album-1',
      editsProviderMessageId: 'provider-2',
      correctsId: 3,
      backlog: true,
    };
    const queue = queueWith();
    queue.add(draft, NOON);
    expect(queue.snapshot()[0]).toMatchObject(draft);
    queue.fulfil('guid-1', 'words', NOON);
    expect(queue.snapshot()[0]).toMatchObject({
      ...draft,
      content: '[words] listen',
      mediaProcessingId: null,
    });
  });

  test('a text or caption is cut to the single message limit, or to the queue, whichever is less', () => {
    const queue = queueWith({ limits: { maxCharactersSingleMessage: 4 } });
    queue.add(textDraft('fourth'), NOON);
    queue.add(voiceDraft('guid-1', 'caption'), NOON);
    expect(contentsOf(queue)).toEqual(['four', 'capt']);
    const small = queueWith({ limits: { maxCharacters: 2 } });
    small.add(textDraft('fourth'), NOON);
    expect(contentsOf(small)).toEqual(['fo']);
  });

  test('a medium over maxPlaceholders is a text that says so, and the plan has the placeholder it would have been', () => {
    const queue = queueWith({ limits: { maxPlaceholders: 1 } });
    expect(queue.add(voiceDraft('guid-1'), NOON).overCap).toBeNull();
    const { message, overCap } = queue.add(voiceDraft('guid-2', 'listen'), NOON);
    expect(message).toMatchObject({
      id: 2,
      content: '[Unprocessed audio media: too many pending] listen',
      mediaProcessingId: null,
      readyTime: NOON,
    });
    expect(overCap).toMatchObject({ id: 2, content: 'listen', mediaProcessingId: 'guid-2', readyTime: null });
    expect(queue).toMatchObject({ placeholderCount: 1, readyCount: 1 });
  });

  test('a GUID that is here may be planned, for it may be a duplicate, but not applied', () => {
    const queue = queueWith();
    queue.add(voiceDraft('guid-1'), NOON);
    const again = queue.planAdd(voiceDraft('guid-1'), NOON);
    expect(() => queue.apply(again)).toThrow(invariantBroken);
    expect(queue).toMatchObject({ placeholderCount: 1, nextId: 2 });
  });
});

describe('evicting', () => {
  test('Q3: the oldest goes for the count, and the placeholder before it stays', () => {
    const queue = queueWith({ limits: { maxMessages: 2 } });
    queue.add(voiceDraft('guid-1', 'voice'), NOON);
    for (const text of ['a', 'b']) queue.add(textDraft(text), NOON);
    const { evicted } = queue.add(textDraft('c'), NOON);
    expect(evicted).toEqual([{ message: expect.objectContaining({ content: 'a' }), reason: 'count' }]);
    expect(contentsOf(queue)).toEqual(['voice', 'b', 'c']);
  });

  test('Q3: as many of the oldest go as the characters of the new one need', () => {
    const queue = queueWith({ limits: { maxCharacters: 10 } });
    for (const text of ['aaaa', 'bbbb', 'c']) queue.add(textDraft(text), NOON);
    const { evicted } = queue.add(textDraft('dddddd'), NOON);
    expect(evicted.map(({ message, reason }) => [message.content, reason])).toEqual([
      ['aaaa', 'characters'],
      ['bbbb', 'characters'],
    ]);
  });

  test('Q2: a message is evicted once it is older than maxDays, and nextAgeAt says when', () => {
    const queue = queueWith({ limits: { maxDays: 1 } });
    queue.add(textDraft('a'), NOON);
    queue.add(textDraft('b'), NOON + 5);
    expect(queue.nextAgeAt).toBe(NOON + DAY_MS + 1);
    expect(queue.tick(NOON + DAY_MS)).toEqual([]);
    expect(queue.tick(NOON + DAY_MS + 1)).toMatchObject([{ message: { content: 'a' }, reason: 'age' }]);
    expect(queue.nextAgeAt).toBe(NOON + DAY_MS + 6);
  });

  test('Q2: age counts from when words came, not from when the medium did', () => {
    const queue = queueWith({ limits: { maxDays: 1 } });
    queue.add(voiceDraft('guid-1'), NOON);
    queue.add(textDraft('a'), NOON);
    queue.fulfil('guid-1', 'words', NOON + DAY_MS);
    expect(queue.tick(NOON + DAY_MS + 1)).toMatchObject([{ message: { content: 'a' } }]);
    expect(contentsOf(queue)).toEqual(['[words]']);
  });

  test('Q3: fulfilling evicts others, however old its own place is', () => {
    const queue = queueWith({ limits: { maxMessages: 1 } });
    queue.add(voiceDraft('guid-1'), NOON);
    queue.add(textDraft('a'), NOON);
    queue.fulfil('guid-1', 'words', NOON);
    expect(contentsOf(queue)).toEqual(['[words]']);
  });

  test('Q12: a clock that steps back evicts nothing', () => {
    const queue = queueWith({ limits: { maxDays: 1 } });
    queue.add(textDraft('a'), NOON);
    const { message } = queue.add(textDraft('b'), NOON - 10 * DAY_MS);
    expect(message.acceptedTime).toBe(NOON);
    expect(queue.tick(NOON + DAY_MS)).toEqual([]);
  });
});

describe('fulfilling', () => {
  test('Q8: gives the words in brackets and the caption, in the same place', () => {
    const queue = queueWith();
    queue.add(voiceDraft('guid-1', 'listen'), NOON);
    queue.add(textDraft('a'), NOON + 1);
    expect(queue.fulfil('guid-1', 'good morning', NOON + 2)).toBe(true);
    expect(queue.snapshot()[0]).toMatchObject({
      id: 1,
      content: '[good morning] listen',
      messageSize: 21,
      mediaProcessingId: null,
      acceptedTime: NOON,
      readyTime: NOON + 2,
    });
  });

  test('Q8: is false for a GUID that is not there, or no longer', () => {
    const queue = queueWith();
    queue.add(voiceDraft('guid-1'), NOON);
    expect(queue.has('guid-1')).toBe(true);
    expect(queue.fulfil('guid-2', 'words', NOON)).toBe(false);
    expect(queue.fulfil('guid-1', 'words', NOON)).toBe(true);
    expect(queue.fulfil('guid-1', 'words', NOON)).toBe(false);
    expect(queue.has('guid-1')).toBe(false);
  });

  test('cuts the words to the limit of media, not of texts', () => {
    const queue = queueWith({ limits: { maxCharactersSingleMessage: 4, maxCharactersMediaResult: 10 } });
    queue.add(voiceDraft('guid-1', 'long caption'), NOON);
    queue.fulfil('guid-1', 'many words', NOON);
    expect(contentsOf(queue)).toEqual(['[man] long']);
  });
});

describe('popping', () => {
  test('Q7: a text overtakes media, and media follow in the order of their places', () => {
    const queue = queueWith();
    queue.add(voiceDraft('guid-1'), NOON);
    queue.add(textDraft('a'), NOON);
    queue.add(voiceDraft('guid-3'), NOON);
    queue.add(textDraft('b'), NOON);
    expect(queue.popReady(NOON)).toMatchObject({ kind: 'popped', message: { content: 'a' } });
    queue.fulfil('guid-3', 'third', NOON);
    queue.fulfil('guid-1', 'first', NOON);
    const contents = [queue.popReady(NOON), queue.popReady(NOON), queue.popReady(NOON)];
    expect(contents).toMatchObject([
      { message: { content: '[first]' } },
      { message: { content: '[third]' } },
      { message: { content: 'b' } },
    ]);
    expect(queue.popReady(NOON)).toEqual({ kind: 'empty' });
    expect(queue.isEmpty).toBe(true);
  });

  test('Q7: strict ordering holds what is behind a young placeholder, and says until when', () => {
    const queue = queueWith({ ordering: { kind: 'strict', strictHoldMs: 100 } });
    queue.add(textDraft('before'), NOON);
    queue.add(voiceDraft('guid-2'), NOON + 1);
    queue.add(textDraft('behind'), NOON + 2);
    expect(queue.planPop(NOON + 2, 10)).toMatchObject({ messages: [{ content: 'before' }] });
    expect(queue.popReady(NOON + 2)).toMatchObject({ message: { content: 'before' } });
    expect(queue.popReady(NOON + 100)).toEqual({ kind: 'held', heldUntil: NOON + 101 });
    expect(queue.popReady(NOON + 101)).toMatchObject({ message: { content: 'behind' } });
    expect(queue.placeholderCount).toBe(1);
  });

  test('Q7: strict ordering lets go as soon as the placeholder is fulfilled', () => {
    const queue = queueWith({ ordering: { kind: 'strict', strictHoldMs: 100 } });
    queue.add(voiceDraft('guid-1'), NOON);
    queue.add(textDraft('behind'), NOON);
    queue.fulfil('guid-1', 'words', NOON);
    expect(queue.planPop(NOON, 10)).toMatchObject({
      messages: [{ content: '[words]' }, { content: 'behind' }],
    });
  });
});

describe('injecting', () => {
  test('Q9: puts a placeholder where its id belongs, whatever maxPlaceholders is', () => {
    const ready: number[] = [];
    const queue = queueWith({
      limits: { maxPlaceholders: 0 },
      nextId: 5,
      onReady: ({ id }) => ready.push(id),
    });
    queue.add(textDraft('five'), NOON);
    expect(queue.inject(keptPlaceholder(3, 'guid-3'), NOON)).toBe(true);
    expect(queue.inject(keptPlaceholder(9, 'guid-9'), NOON)).toBe(true);
    expect(queue.snapshot().map(({ id }) => id)).toEqual([3, 5, 9]);
    expect(queue.nextId).toBe(10);
    expect(ready).toEqual([5]);
  });

  test('Q9: does nothing when the GUID is there', () => {
    const queue = queueWith();
    queue.inject(keptPlaceholder(3, 'guid-3'), NOON);
    expect(queue.inject(keptPlaceholder(4, 'guid-3'), NOON)).toBe(false);
    expect(queue.nextId).toBe(4);
  });

  test('Q12: takes up time where the placeholder left it', () => {
    const queue = queueWith();
    queue.inject(keptPlaceholder(1, 'guid-1'), NOON - DAY_MS);
    expect(queue.add(textDraft('a'), NOON - DAY_MS).message.acceptedTime).toBe(NOON);
  });

  test.each(['a text', 'a placeholder', 'a fulfilled medium'])('Q9: refuses the id of %s', (what) => {
    const queue = queueWith();
    queue.add(what === 'a text' ? textDraft('a') : voiceDraft('guid-1'), NOON);
    if (what === 'a fulfilled medium') queue.fulfil('guid-1', 'words', NOON);
    expect(() => queue.inject(keptPlaceholder(1, 'guid-2'), NOON)).toThrow(invariantBroken);
  });
});

describe('planning', () => {
  test('Q11: a plan that is not applied changes nothing', () => {
    const queue = queueWith({ limits: { maxMessages: 1 } });
    queue.add(textDraft('a'), NOON);
    queue.planAdd(textDraft('b'), NOON);
    queue.planPop(NOON, 1);
    expect(contentsOf(queue)).toEqual(['a']);
    expect(queue.nextId).toBe(2);
  });

  test('Q11: a plan made before another change is refused', () => {
    const queue = queueWith();
    const stale = queue.planAdd(textDraft('a'), NOON);
    queue.add(textDraft('b'), NOON);
    expect(() => queue.apply(stale)).toThrow(invariantBroken);
    expect(contentsOf(queue)).toEqual(['b']);
  });

  test('Q11: a plan of a queue that was forgotten is refused by the one in its stead', () => {
    const plan = queueWith().planAdd(textDraft('a'), NOON);
    expect(() => queueWith().apply(plan)).toThrow(invariantBroken);
  });
});

describe('rehydrating', () => {
  test('Q6: announces what is ready, in order, but for what was announced before', () => {
    const queue = queueWith();
    queue.add(voiceDraft('guid-1'), NOON);
    for (const text of ['a', 'b', 'c']) queue.add(textDraft(text), NOON);
    const ready: number[] = [];
    queueWith({
      nextId: 5,
      messages: queue.snapshot(),
      announced: new Set([3]),
      onReady: ({ id }) => ready.push(id),
    });
    expect(ready).toEqual([2, 4]);
  });

  test('gives the same queue, with fulfilled media among the texts', () => {
    const queue = queueWith();
    for (const guid of ['guid-1', 'guid-2']) queue.add(voiceDraft(guid), NOON);
    queue.add(textDraft('a'), NOON + 1);
    queue.fulfil('guid-1', 'words', NOON + 2);
    const again = queueWith({ nextId: queue.nextId, messages: queue.snapshot() });
    expect(again.snapshot()).toEqual(queue.snapshot());
    expect(again.popReady(NOON + 2)).toMatchObject({ message: { content: '[words]' } });
    expect(again.popReady(NOON + 2)).toMatchObject({ message: { content: 'a' } });
  });

  test('Q5: never gives an id of the journal again, even if the store says so', () => {
    const queue = queueWith();
    queue.add(textDraft('a'), NOON);
    expect(queueWith({ nextId: 1, messages: queue.snapshot() }).nextId).toBe(2);
  });

  test('Q12: takes up time where the journal left it', () => {
    const queue = queueWith();
    queue.add(textDraft('a'), NOON);
    const again = queueWith({ nextId: 2, messages: queue.snapshot() });
    expect(again.add(textDraft('b'), NOON - 1).message.acceptedTime).toBe(NOON);
  });

  test('Q2: evicts by age from a journal whose times do not rise with its ids', () => {
    const [later, earlier] = [queueWith({ nextId: 1 }), queueWith({ nextId: 2 })];
    later.add(textDraft('later'), NOON + 10);
    earlier.add(textDraft('earlier'), NOON);
    const queue = queueWith({
      limits: { maxDays: 1 },
      messages: [...later.snapshot(), ...earlier.snapshot()],
    });
    expect(queue.tick(NOON + DAY_MS + 1)).toMatchObject([{ message: { content: 'earlier' } }]);
  });

  test('refuses a journal that is out of order', () => {
    const messages = [keptPlaceholder(2, 'guid-2'), keptPlaceholder(1, 'guid-1')];
    expect(() => queueWith({ messages })).toThrow(invariantBroken);
  });

  test('refuses limits that cannot be kept, with all that is wrong about them', () => {
    expect(() => queueWith({ limits: { maxMessages: 0, maxDays: 0 } })).toThrow(
      /maxMessages of at least 1, got 0; expected maxDays of at least 1/,
    );
  });
});
