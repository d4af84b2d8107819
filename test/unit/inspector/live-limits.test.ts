import { describe, expect, test } from 'vitest';
import { EventBus } from '../../../src/actors/events.ts';
import { silentLogger } from '../../../src/base/log.ts';
import { LiveFeed } from '../../../src/inspector/live/live-feed.ts';
import { LiveState } from '../../../src/inspector/live/live-state.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const VIEW = JSON.stringify({ type: 'view', limit: 1 });

/** A feed of a backend that has nothing to tell. */
function bench() {
  const clock = new ManualClock();
  const state = new LiveState({ events: new EventBus(), clock, log: silentLogger });
  const administration = {
    bots: { list: () => Promise.resolve([]) },
    pools: {
      list: () => Promise.resolve([]),
      staging: () => Promise.resolve({ files: 0, bytes: 0, partial: 0, limitBytes: 0 }),
    },
  };
  const feed = new LiveFeed({ state, administration: administration as never, clock });
  const watch = () => {
    const closed: number[] = [];
    const sent: string[] = [];
    const socket = {
      bufferedBytes: 0,
      send: (text: string) => void sent.push(text),
      close: (code: number) => void closed.push(code),
    };
    return { closed, sent, ...feed.subscribe(socket) };
  };
  return { clock, feed, watch };
}

describe('the live feed', () => {
  test('F3: serves 32 clients, and another one as soon as one of them has gone', () => {
    const { feed, watch } = bench();
    const clients = Array.from({ length: 32 }, watch);
    const late = watch();
    expect(late.closed).toEqual([1013]);
    late.receive(VIEW);
    expect(late.sent).toEqual([]);
    expect(clients.flatMap(({ closed }) => closed)).toEqual([]);
    clients[0]?.end();
    expect(watch().closed).toEqual([]);
    expect(feed.clientCount).toBe(32);
  });

  test('closes whoever looks elsewhere more than fifty times in ten seconds', () => {
    const { clock, watch } = bench();
    const client = watch();
    for (let round = 0; round < 3; round += 1) {
      for (let view = 0; view < 50; view += 1) client.receive(VIEW);
      clock.advance(10_000);
    }
    expect(client.closed).toEqual([]);
    for (let view = 0; view < 51; view += 1) client.receive(VIEW);
    expect(client.closed).toEqual([1008]);
  });

  test('F4: does not listen to whom it closed, however much that says', () => {
    const { clock, feed, watch } = bench();
    const client = watch();
    client.receive('nonsense');
    for (let view = 0; view < 100; view += 1) client.receive(view % 2 === 0 ? VIEW : 'nonsense');
    clock.advance(10_000);
    expect(client).toMatchObject({ closed: [1008], sent: [] });
    expect(feed.clientCount).toBe(0);
  });
});
