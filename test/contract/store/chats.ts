import { describe, expect, test } from 'vitest';
import { hasCode } from '../../../src/base/errors.ts';
import {
  acceptMedia,
  acceptText,
  fulfilled,
  keyOf,
  placeholderMessage,
  PROVIDER,
  textMessage,
} from '../../support/store-records.ts';
import { chat, type Suite, useSubject } from './subject.ts';

const fenced = (error: unknown): boolean => hasCode(error, 'fenced');
const notFound = (error: unknown): boolean => hasCode(error, 'not_found');

export const chatSuite: Suite = (open) => {
  describe('chats', () => {
    const subject = useSubject(open);

    test('a chat is called by the identifier that came first, and later ones become aliases', async () => {
      const { store } = subject();
      const first = await store.resolveCorrespondent('bot-a', PROVIDER, ['77@lid']);
      expect(first).toMatchObject({
        correspondentId: '77@lid',
        aliases: ['77@lid'],
        nextId: 1,
        nextIngestSeq: 1,
      });
      const second = await store.resolveCorrespondent('bot-a', PROVIDER, ['4915@s', '77@lid']);
      expect(second.correspondentId).toBe('77@lid');
      expect(second.aliases.toSorted()).toEqual(['4915@s', '77@lid']);
      expect((await store.resolveCorrespondent('bot-a', PROVIDER, ['4915@s'])).correspondentId).toBe(
        '77@lid',
      );
      expect(await store.correspondents('bot-a')).toEqual([second]);
    });

    test('the chats of a bot are told a page at a time, in the order in which they were made', async () => {
      const { store } = subject();
      await store.resolveCorrespondent('bot-b', PROVIDER, ['other']);
      for (const name of ['c', 'a', 'b'] as const)
        await store.resolveCorrespondent('bot-a', PROVIDER, [name]);
      const page = async (offset: number) =>
        (await store.correspondents('bot-a', { offset, limit: 2 })).map(({ aliases }) => aliases);
      expect(await page(0)).toEqual([['c'], ['a']]);
      expect(await page(2)).toEqual([['b']]);
      expect(await page(3)).toEqual([]);
    });

    test('an identifier given twice is one alias', async () => {
      const record = await subject().store.resolveCorrespondent('bot-a', PROVIDER, ['x', 'y', 'x', 'y']);
      expect(record.aliases.toSorted()).toEqual(['x', 'y']);
    });

    test('the same identifier names another chat of another bot and of another provider', async () => {
      const { store } = subject();
      await store.resolveCorrespondent('bot-a', PROVIDER, ['4915@s', 'a-alias']);
      await store.resolveCorrespondent('bot-b', PROVIDER, ['4915@s', 'b-alias']);
      await store.resolveCorrespondent('bot-a', 'other', ['4915@s', 'c-alias']);
      expect(
        (await store.correspondents('bot-a')).map(({ providerName }) => providerName).toSorted(),
      ).toEqual(['other', PROVIDER].toSorted());
      const [ofB] = await store.correspondents('bot-b');
      expect(ofB?.aliases.toSorted()).toEqual(['4915@s', 'b-alias']);
      expect(await store.correspondents('bot-c')).toEqual([]);
    });

    test('where two chats turn out to be one, the older takes the aliases and the other keeps its own id', async () => {
      const { store } = subject();
      await store.resolveCorrespondent('bot-a', PROVIDER, ['older@lid', 'older-alias']);
      await store.resolveCorrespondent('bot-a', PROVIDER, ['younger@s', 'younger-alias']);
      const merged = await store.resolveCorrespondent('bot-a', PROVIDER, [
        'younger@s',
        'older-alias',
        'new-alias',
      ]);
      expect(merged.correspondentId).toBe('older@lid');
      expect(merged.aliases.toSorted()).toEqual([
        'new-alias',
        'older-alias',
        'older@lid',
        'younger-alias',
        'younger@s',
      ]);
      const records = await store.correspondents('bot-a');
      expect(records.find(({ correspondentId }) => correspondentId === 'younger@s')?.aliases).toEqual([
        'younger@s',
      ]);
      for (const identifier of ['younger@s', 'younger-alias', 'older-alias'] as const) {
        const { correspondentId } = await store.resolveCorrespondent('bot-a', PROVIDER, [identifier]);
        expect(correspondentId).toBe('older@lid');
      }
    });

    test('a merged chat drains: what it holds can still be ingested under its own id', async () => {
      const { store } = subject();
      await chat(store, 'older');
      const younger = await chat(store, 'younger');
      await store.accept(acceptText(younger, textMessage(1)));
      await store.resolveCorrespondent('bot-a', PROVIDER, ['older', 'younger']);
      expect((await store.rehydrate(younger)).messages).toHaveLength(1);
      expect(await store.ingest({ correspondent: younger, messages: [textMessage(1)], now: 1 })).toEqual({
        ingested: 1,
      });
      expect(await store.history(younger, { afterSeq: 0, limit: 10 })).toHaveLength(1);
    });

    test('a message accepted before two chats join is a duplicate after, by either chat', async () => {
      const { store } = subject();
      const older = await chat(store, 'older');
      const younger = await chat(store, 'younger');
      const [inOlder, inYounger, inBoth] = ['in-older', 'in-younger', 'in-both'].map((providerMessageId) => ({
        providerMessageId,
      }));
      await store.accept(acceptText(older, textMessage(1, inOlder)));
      await store.accept(acceptText(older, textMessage(2, inBoth)));
      await store.accept(acceptText(younger, textMessage(1, inBoth)));
      await store.accept(acceptText(younger, textMessage(2, inYounger)));
      await store.resolveCorrespondent('bot-a', PROVIDER, ['older', 'younger']);

      const after = await subject().reopen();
      for (const key of [older, younger]) {
        for (const [copy, id] of [
          [inOlder, 1],
          [inYounger, 2],
          [inBoth, 2],
        ] as const) {
          const outcome = await after.accept(acceptText(key, textMessage(9, copy)));
          expect(outcome).toEqual({ kind: 'duplicate', id });
        }
      }
      // Those of three messages: the one that both had seen is remembered once.
      expect(await after.pruneMessageIds(Number.MAX_SAFE_INTEGER)).toBe(3);
    });

    test('a message accepted into a drained chat is a duplicate in the one that it was merged with', async () => {
      const { store } = subject();
      const older = await chat(store, 'older');
      const younger = await chat(store, 'younger');
      await store.resolveCorrespondent('bot-a', PROVIDER, ['older', 'younger']);
      const first = await store.accept(acceptText(younger, textMessage(1)));
      expect(first).toEqual({ kind: 'accepted' });
      const again = textMessage(5, { providerMessageId: textMessage(1).providerMessageId });
      expect(await store.accept(acceptText(older, again))).toEqual({ kind: 'duplicate', id: 1 });
    });

    test('a chat that was never resolved is not found', async () => {
      const { store } = subject();
      const stranger = keyOf('stranger');
      await expect(store.rehydrate(stranger)).rejects.toSatisfy(notFound);
      await expect(store.accept(acceptText(stranger, textMessage(1)))).rejects.toSatisfy(notFound);
      await expect(store.ingest({ correspondent: stranger, messages: [], now: 1 })).rejects.toSatisfy(
        notFound,
      );
      expect(await store.history(stranger, { afterSeq: 0, limit: 10 })).toEqual([]);
    });

    test('chats with a journal are those that hold something', async () => {
      const { store } = subject();
      const [empty, holding, drained] = [
        await chat(store, 'e'),
        await chat(store, 'h'),
        await chat(store, 'd'),
      ];
      await store.accept(acceptText(holding, textMessage(1)));
      await store.accept(acceptText(holding, textMessage(2)));
      await store.accept(acceptText(drained, textMessage(1)));
      await store.evict(drained, [1]);
      expect(await store.chatsWithJournal('bot-a')).toEqual([holding]);
      expect((await store.rehydrate(empty)).messages).toEqual([]);
    });

    test('S2: once a newer owner has been at a chat, the former one is fenced there', async () => {
      const { store, rival } = subject();
      const [taken, untouched] = [await chat(store, 'taken'), await chat(store, 'untouched')];
      const placeholder = placeholderMessage(1);
      await store.accept(acceptMedia(taken, placeholder));
      const newer = await rival();
      expect(newer.fence).toBeGreaterThan(store.fence);
      await newer.rehydrate(taken);

      const settlement = {
        correspondent: taken,
        guid: placeholder.mediaProcessingId,
        message: fulfilled(placeholder),
        evictedIds: [],
        error: null,
      };
      await expect(store.accept(acceptText(taken, textMessage(2)))).rejects.toSatisfy(fenced);
      await expect(store.settle(settlement)).rejects.toSatisfy(fenced);
      await expect(
        store.ingest({ correspondent: taken, messages: [textMessage(1)], now: 1 }),
      ).rejects.toSatisfy(fenced);
      await expect(store.evict(taken, [1])).rejects.toSatisfy(fenced);
      await expect(store.rehydrate(taken)).rejects.toSatisfy(fenced);
      await expect(store.resolveCorrespondent('bot-a', PROVIDER, ['taken', 'more'])).rejects.toSatisfy(
        fenced,
      );

      expect(await newer.rehydrate(taken)).toEqual({ nextId: 2, messages: [placeholder] });
      expect(await newer.settle(settlement)).toBe('settled');
      expect((await store.accept(acceptText(untouched, textMessage(1)))).kind).toBe('accepted');
    });

    test('S2: a newer owner that accepts into a chat fences the former one', async () => {
      const { store, rival } = subject();
      const key = await chat(store, 'taken');
      const newer = await rival();
      await newer.accept(acceptText(key, textMessage(1)));
      await expect(store.accept(acceptText(key, textMessage(2)))).rejects.toSatisfy(fenced);
    });

    test('the fence rises with each owner', async () => {
      const { store, reopen } = subject();
      const second = await reopen();
      expect(second.fence).toBeGreaterThan(store.fence);
    });
  });
};
