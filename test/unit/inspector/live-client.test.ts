import { describe, expect, test } from 'vitest';
import { EventBus } from '../../../src/actors/events.ts';
import { silentLogger } from '../../../src/base/log.ts';
import type { LiveChatView } from '../../../src/inspector/live/contract.ts';
import { LiveClient } from '../../../src/inspector/live/live-client.ts';
import { LiveState } from '../../../src/inspector/live/live-state.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { keyOf, placeholderMessage, textMessage } from '../../support/store-records.ts';

/** A client whose socket holds back what the test says. */
function bench() {
  const clock = new ManualClock();
  const events = new EventBus();
  const state = new LiveState({ events, clock, log: silentLogger });
  const sent: { type: string; chats: { changed: LiveChatView[]; total: number } }[] = [];
  const socket = {
    bufferedBytes: 0,
    send: (text: string) => void sent.push(JSON.parse(text)),
    close: (code: number) => void closed.push(code),
  };
  const closed: number[] = [];
  const client = new LiveClient(socket, state);
  client.snapshot(clock.now());
  const accept = (chat: string, id = 1) =>
    events.emit({ kind: 'accepted', chat: keyOf(chat), message: textMessage(id) });
  return { clock, events, state, socket, sent, closed, client, accept };
}

const changedIn = (frame: { chats: { changed: LiveChatView[] } } | undefined) =>
  frame?.chats.changed.map(({ correspondentId }) => correspondentId);

describe('a client that reads slowly', () => {
  test('L1, L3: is told nothing while it does, and then everything that changed', () => {
    const { clock, socket, sent, client, accept } = bench();
    socket.bufferedBytes = 300 * 1_024;
    for (const chat of ['ann', 'bob']) {
      accept(chat);
      client.update(clock.now());
    }
    expect(sent).toHaveLength(1);
    socket.bufferedBytes = 0;
    client.update(clock.now());
    expect(changedIn(sent.at(-1))).toEqual(['bob', 'ann']);
  });

  test('L1: gets no snapshot of another view either, until it has read; then that', () => {
    const { clock, socket, sent, client, accept } = bench();
    for (const chat of ['ann', 'bob']) accept(chat);
    client.update(clock.now());
    socket.bufferedBytes = 300 * 1_024;
    for (let view = 0; view < 10; view += 1) client.show({ offset: 0, limit: 1 }, clock.now());
    expect(sent).toHaveLength(2);
    socket.bufferedBytes = 0;
    client.update(clock.now());
    client.update(clock.now());
    expect(sent.slice(2).map(({ type }) => type)).toEqual(['snapshot', 'update']);
    expect(changedIn(sent[2])).toEqual(['bob']);
  });

  test('L2: is closed after half a minute, and not before', () => {
    const { clock, socket, closed, client } = bench();
    socket.bufferedBytes = 300 * 1_024;
    client.update(clock.now());
    clock.advance(29_999);
    client.update(clock.now());
    expect(closed).toEqual([]);
    clock.advance(1);
    client.update(clock.now());
    expect(closed).toEqual([1013]);
  });
});

describe('the board', () => {
  test('B2: of thousands of chats it knows all, and tells a client of as many as it looks at', () => {
    const { clock, events, state, sent, client, accept } = bench();
    for (let chat = 0; chat < 5_000; chat += 1) accept(`chat-${chat}`);
    client.show({ offset: 0, limit: 60 }, clock.now());
    const frame = sent.at(-1);
    expect(frame?.chats.changed).toHaveLength(60);
    expect(changedIn(frame)?.[0]).toBe('chat-4999');
    expect(frame?.chats.total).toBe(5_000);
    for (let id = 2; id < 200; id += 1) {
      events.emit({ kind: 'accepted', chat: keyOf('chat-4999'), message: textMessage(id) });
    }
    const [chat] = state.board.page({ offset: 0, limit: 1 }, 0).changed;
    expect(chat?.places).toHaveLength(20);
    expect(chat?.places.at(-1)?.id).toBe(199);
  });

  test('B3: the totals are the sums over all chats, remembered or not', () => {
    const { events, state } = bench();
    const count = (chat: string, placeholders: number, oldestPlaceholderTime: number | null) =>
      events.emit({
        kind: 'queue',
        chat: keyOf(chat),
        counts: { ready: 1, characters: 5, placeholders, oldestPlaceholderTime },
      });
    for (let chat = 0; chat < 2_000; chat += 1) count(`chat-${chat}`, 2, 1_000 + chat);
    expect(state.board.now).toEqual({
      waitingChats: 2_000,
      ready: 2_000,
      placeholders: 4_000,
      oldestPlaceholderTime: 1_000,
    });
    count('chat-0', 0, null);
    expect(state.board.now).toMatchObject({ placeholders: 3_998, oldestPlaceholderTime: 1_001 });
  });

  test('keeps a placeholder among its places when later messages push the others out', () => {
    const { events, state } = bench();
    const key = keyOf('ann');
    events.emit({ kind: 'accepted', chat: key, message: placeholderMessage(1) });
    for (let id = 2; id < 60; id += 1) events.emit({ kind: 'accepted', chat: key, message: textMessage(id) });
    const [chat] = state.board.page({ offset: 0, limit: 1 }, 0).changed;
    expect(chat?.places[0]).toMatchObject({ id: 1, state: 'placeholder' });
  });
});
