import { describe, expect, test } from 'vitest';
import type {
  LiveChatView,
  SecondView,
  SnapshotFrame,
  UpdateFrame,
} from '../../../../src/inspector/live/contract.ts';
import { everySecond, inHeldOrder, perSecond, withFrame } from '../../../../src/inspector/page/live-state.js';

const NOW = 1_700_000_000_000;

const chat = (name: string, changes: Partial<LiveChatView> = {}): LiveChatView => ({
  chat: name,
  botId: 'shop',
  correspondentId: name,
  title: name,
  isGroup: false,
  changedAt: NOW,
  ready: 0,
  placeholders: 0,
  oldestPlaceholderTime: null,
  places: [],
  ...changes,
});
const second = (at: number, changes: Partial<SecondView> = {}): SecondView => ({
  at,
  accepted: 0,
  ingested: 0,
  fulfilled: 0,
  evicted: 0,
  textMs: null,
  mediaMs: null,
  ...changes,
});
const totals = {
  startedAt: NOW,
  accepted: 0,
  duplicates: 0,
  fulfilled: 0,
  failed: 0,
  ingested: 0,
  evicted: 0,
  waitingChats: 0,
  ready: 0,
  placeholders: 0,
  oldestPlaceholderTime: null,
};
const snapshot = (changes: Partial<SnapshotFrame> = {}): SnapshotFrame => ({
  type: 'snapshot',
  at: NOW,
  bots: [],
  pools: [],
  staging: { files: 0, bytes: 0, partial: 0, limitBytes: 0 },
  totals,
  seconds: [],
  chats: { order: ['a', 'b'], changed: [chat('a'), chat('b')], total: 2 },
  ...changes,
});
const update = (changes: Partial<UpdateFrame> = {}): UpdateFrame => ({
  type: 'update',
  at: NOW + 500,
  totals,
  seconds: [],
  chats: { order: ['a', 'b'], changed: [], total: 2 },
  ...changes,
});
const names = (chats: readonly LiveChatView[]) => chats.map(({ chat: name }) => name);

describe('what the server tells', () => {
  test('begins with a snapshot: an update before it tells nothing', () => {
    expect(withFrame(null, update(), NOW)).toBeNull();
  });

  test('is put over what is known: changed chats, their order, what is not named stays', () => {
    const first = withFrame(null, snapshot({ bots: [] }), NOW - 40);
    const changed = chat('b', { ready: 3 });
    const frame = update({ chats: { order: ['b', 'c', 'a'], changed: [changed, chat('c')], total: 9 } });
    const live = withFrame(first, frame, NOW);
    expect(names(live?.chats ?? [])).toEqual(['b', 'c', 'a']);
    expect(live).toMatchObject({ matching: 9, skewMs: 500, bots: [] });
    expect(live?.chats[0]).toEqual(changed);
  });

  test('of the charts is kept for five minutes', () => {
    const live = withFrame(null, snapshot({ seconds: [second(NOW - 302_000), second(NOW - 2_000)] }), NOW);
    const next = withFrame(live, update({ seconds: [second(NOW - 1_000)] }), NOW);
    expect(next?.seconds.map(({ at }) => NOW - at)).toEqual([2_000, 1_000]);
  });
});

describe('a list that is looked at', () => {
  test('keeps its order; what is new comes last, what went stays', () => {
    const held = [chat('a'), chat('b')];
    const now = [chat('c'), chat('b', { ready: 1 })];
    const shown = inHeldOrder(now, held);
    expect(names(shown)).toEqual(['a', 'b', 'c']);
    expect(shown[1]?.ready).toBe(1);
  });
});

describe('rates', () => {
  test('are means over whole seconds, those without anything included', () => {
    const seconds = [second(NOW - 3_000, { accepted: 30 }), second(NOW - 1_000, { accepted: 10 })];
    expect(perSecond(seconds, NOW + 400, 'accepted')).toBe(4);
  });

  test('of charts have a row for every second, empty before the start', () => {
    const rows = everySecond([second(NOW - 1_000, { accepted: 10, textMs: 7 })], NOW, NOW - 2_000);
    expect(rows).toHaveLength(300);
    expect(rows.at(-1)).toEqual({ at: NOW - 1_000, accepted: 2, ingested: 0, textMs: 7, mediaMs: null });
    expect(rows.at(-2)).toEqual({ at: NOW - 2_000, accepted: 0, ingested: 0, textMs: null, mediaMs: null });
    expect(rows.at(-3)?.accepted).toBeNull();
  });
});
