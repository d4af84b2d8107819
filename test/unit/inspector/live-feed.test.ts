import { describe, expect, test } from 'vitest';
import { acked, connected } from '../../support/backend-machine.ts';
import { BOT, mediaFrame, textFrame } from '../../support/inbound-frames.ts';
import { inspected } from '../../support/inspected-backend.ts';
import { LiveWatcher } from '../../support/live-watcher.ts';

describe('the live feed', () => {
  test('tells what is there at once, and what changes', async () => {
    const { backend, inspector } = await inspected();
    const link = await connected(backend.url);
    await acked(link, textFrame('ann', 'hello'));
    const watcher = new LiveWatcher(inspector.url);
    const first = await watcher.until(() => watcher.latest);
    expect(first).toMatchObject({ type: 'snapshot', bots: [{ botId: BOT, state: 'open' }] });
    expect(first.pools?.map(({ name }) => name)).toContain('audio');

    await acked(link, mediaFrame('bob', 'listen'));
    await watcher.until(() => watcher.view[0]?.placeholders === 1);
    expect(watcher.view).toMatchObject([
      { correspondentId: 'bob', places: [{ kind: 'audio', state: 'placeholder', preview: 'listen' }] },
      { correspondentId: 'ann', places: [{ kind: 'text', state: 'ingested', preview: 'hello' }] },
    ]);
    expect(watcher.latest).toMatchObject({
      type: 'update',
      totals: { accepted: 2, ingested: 1, placeholders: 1, waitingChats: 1 },
    });
  });

  test('does not say again what has not changed', async () => {
    const { backend, inspector } = await inspected();
    const link = await connected(backend.url);
    const watcher = new LiveWatcher(inspector.url);
    await watcher.until(() => watcher.latest);
    for (const name of ['ann', 'bob']) await acked(link, textFrame(name, 'hello'));
    await watcher.until(() => watcher.chats.size === 2);
    await watcher.until(() => watcher.view.every((chat) => chat?.ready === 0));
    const before = watcher.received.length;
    await acked(link, textFrame('ann', 'again'));
    await watcher.until(() => watcher.view[0]?.places.length === 2);
    const told = watcher.received.slice(before).flatMap(({ chats }) => chats.changed);
    expect(new Set(told.map(({ correspondentId }) => correspondentId))).toEqual(new Set(['ann']));
    expect(watcher.latest).not.toHaveProperty('bots');
  });

  test('shows the chats that were asked for', async () => {
    const { backend, inspector } = await inspected();
    const link = await connected(backend.url);
    for (const name of ['ann', 'bob', 'cid']) {
      await acked(link, textFrame(name, 'hello', { display_name: `The ${name}` }));
    }
    const watcher = new LiveWatcher(inspector.url);
    await watcher.until(() => watcher.latest);
    watcher.send({ type: 'view', search: 'THE B', limit: 5 });
    await watcher.until(() => watcher.received.filter(({ type }) => type === 'snapshot').length === 2);
    await watcher.until(() => watcher.view.length === 1);
    expect(watcher.view).toMatchObject([{ title: 'The bob' }]);
    watcher.send({ type: 'view', botId: 'another' });
    await watcher.until(() => watcher.latest?.chats.total === 0);
  });

  test('remembers nothing of a chat that was forgotten', async () => {
    const { backend, inspector, administration } = await inspected();
    const link = await connected(backend.url);
    await acked(link, textFrame('ann', 'a secret'));
    await acked(link, mediaFrame('ann', 'another'));
    const watcher = new LiveWatcher(inspector.url);
    await watcher.until(() => watcher.view.length === 1);
    await administration.chats.forget({ botId: BOT, identifier: 'ann' });
    await watcher.until(() => watcher.view.length === 0);
    expect(watcher.latest).toMatchObject({
      chats: { total: 0 },
      totals: { placeholders: 0, waitingChats: 0 },
    });
    const later = new LiveWatcher(inspector.url);
    expect(JSON.stringify(await later.until(() => later.latest))).not.toContain('a secret');
  });

  test('closes whoever says anything else', async () => {
    const { inspector } = await inspected();
    for (const nonsense of ['', '{', '{"type":"view","limit":1000}', '{"type":"eval"}']) {
      const watcher = new LiveWatcher(inspector.url);
      await watcher.until(() => watcher.latest);
      watcher.socket.send(nonsense);
      expect(await watcher.closed).toBe(1008);
    }
    const watcher = new LiveWatcher(inspector.url);
    await watcher.until(() => watcher.latest);
    watcher.socket.send('x'.repeat(5_000));
    expect(await watcher.closed).toBe(1009);
  });

  test('knows a queue that was there before the backend started', async () => {
    const first = await inspected();
    const link = await connected(first.backend.url);
    await acked(link, mediaFrame('ann', 'listen'));
    await first.backend.stop();
    const { inspector } = await first.again();
    const watcher = new LiveWatcher(inspector.url);
    await watcher.until(() => watcher.latest?.totals.placeholders === 1);
    expect(watcher.view).toMatchObject([{ correspondentId: 'ann', places: [{ state: 'placeholder' }] }]);
  });
});
