import { describe, expect, test } from 'vitest';
import { DragomanError } from '../../../src/base/errors.ts';
import {
  acceptMedia,
  acceptText,
  keyOf,
  NOW,
  placeholderMessage,
  PROVIDER,
  textMessage,
} from '../../support/store-records.ts';
import { chat, type Suite, useSubject } from './subject.ts';

export const atOnceSuite: Suite = (open) => {
  describe('calls made at once', () => {
    const subject = useSubject(open);

    test('S1: of calls made at once each has its own outcome, whatever becomes of its neighbours', async () => {
      const { store } = subject();
      const names = ['plain', 'evicting', 'duplicate', 'stale', 'media', 'older', 'merged'] as const;
      for (const name of names) await chat(store, name);
      const [plain, evicting, duplicate, stale, medium, , merged] = names.map((name) => keyOf(name));
      if (!plain || !evicting || !duplicate || !stale || !medium || !merged) throw new Error('six chats');
      for (const key of [evicting, duplicate, stale, merged])
        await store.accept(acceptText(key, textMessage(1)));
      await store.resolveCorrespondent('bot-a', PROVIDER, ['older', 'merged']);
      const placeholder = placeholderMessage(1);
      const other = textMessage(2, { providerMessageId: 'other' });
      const outcomes = await Promise.allSettled([
        store.accept(acceptText(plain, textMessage(1, { providerMessageId: null }))),
        store.accept({ ...acceptText(evicting, other), evictedIds: [1] }),
        store.accept(acceptText(duplicate, textMessage(2, { providerMessageId: 'provider-1' }))),
        store.accept(acceptText(stale, textMessage(1, { providerMessageId: 'other' }))),
        store.accept(acceptText(keyOf('unknown'), textMessage(1))),
        store.accept(acceptMedia(medium, placeholder)),
        store.accept(acceptText(merged, other)),
      ]);
      const accepted = { kind: 'accepted' };
      expect(outcomes.map(outcomeOf)).toEqual([
        accepted,
        accepted,
        { kind: 'duplicate', id: 1 },
        'invariant_broken',
        'not_found',
        accepted,
        accepted,
      ]);
      const idsIn = async (key: typeof plain): Promise<readonly number[]> =>
        (await store.rehydrate(key)).messages.map(({ id }) => id);
      expect(await Promise.all([plain, evicting, duplicate, stale, medium, merged].map(idsIn))).toEqual([
        [1],
        [2],
        [1],
        [1],
        [1],
        [1, 2],
      ]);

      const ingest = (correspondent: typeof plain, ...ids: number[]): ReturnType<typeof store.ingest> =>
        store.ingest({ correspondent, messages: ids.map((id) => textMessage(id)), now: NOW });
      const ingested = await Promise.allSettled([
        ingest(merged, 2, 1, 2),
        ingest(medium, 1),
        ingest(keyOf('unknown'), 1),
        ingest(evicting, 1, 2),
        ingest(plain),
        ingest(plain, 1),
      ]);
      expect(ingested.map(outcomeOf)).toEqual([
        { ingested: 2 },
        { ingested: 0 },
        'not_found',
        { ingested: 1 },
        { ingested: 0 },
        { ingested: 1 },
      ]);
      const history = await store.history(merged, { afterSeq: 0, limit: 9 });
      expect(history.map(({ ingestSeq, message }) => [ingestSeq, message.id])).toEqual([
        [1, 2],
        [2, 1],
      ]);
      expect((await store.rehydrate(medium)).messages).toEqual([placeholder]);
    });

    test('S2: of calls made at once those of a chat with a newer owner are refused, and no others', async () => {
      const { store, rival } = subject();
      const [mine, taken] = [await chat(store, 'mine'), await chat(store, 'taken')];
      for (const key of [mine, taken]) await store.accept(acceptText(key, textMessage(1)));
      const newer = await rival();
      await newer.rehydrate(taken);
      const accept = (key: typeof mine): Promise<unknown> => store.accept(acceptText(key, textMessage(2)));
      const ingest = (correspondent: typeof mine): Promise<unknown> =>
        store.ingest({ correspondent, messages: [textMessage(1)], now: NOW });
      const outcomes = await Promise.allSettled([accept(mine), accept(taken), ingest(mine), ingest(taken)]);
      expect(outcomes.map(outcomeOf)).toEqual([{ kind: 'accepted' }, 'fenced', { ingested: 1 }, 'fenced']);
      expect((await newer.rehydrate(taken)).messages.map(({ id }) => id)).toEqual([1]);
    });
  });
};

/** What came of a call: its value, or the code of its error. */
const outcomeOf = (outcome: PromiseSettledResult<unknown>): unknown => {
  if (outcome.status === 'fulfilled') return outcome.value;
  return outcome.reason instanceof DragomanError ? outcome.reason.code : outcome.reason;
};
