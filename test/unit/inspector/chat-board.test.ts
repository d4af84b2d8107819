import { describe, expect, test } from 'vitest';
import { ChatBoard } from '../../../src/inspector/live/chat-board.ts';
import { keyOf, textMessage } from '../../support/store-records.ts';

const CHATS = 10_000;

describe('a board of ten thousand chats', () => {
  const board = new ChatBoard(() => 0);
  for (let n = 0; n < CHATS; n += 1) {
    board.take({ kind: 'accepted', chat: keyOf(`chat-${n}`), message: textMessage(1) });
  }
  const view = { offset: 0, limit: 50 };
  const names = (offset: number) => {
    const { changed } = board.page({ ...view, offset }, 0);
    return changed.map(({ correspondentId }) => correspondentId);
  };

  test('knows them all, and pages through them, the latest first', () => {
    expect(board.page(view, 0).total).toBe(CHATS);
    expect(names(0)).toHaveLength(50);
    expect(names(0)[0]).toBe('chat-9999');
    expect(names(50)[0]).toBe('chat-9949');
    expect(names(9_990)).toHaveLength(10);
    expect(names(9_990).at(-1)).toBe('chat-0');
    expect(names(CHATS)).toEqual([]);
  });

  test('B2: remembers messages of the latest ones only', () => {
    const [latest] = board.page(view, 0).changed;
    const [earliest] = board.page({ ...view, offset: CHATS - 1 }, 0).changed;
    expect([latest?.places.length, earliest?.places.length]).toEqual([1, 0]);
  });
});
