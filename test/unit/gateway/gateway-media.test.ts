import { rm } from 'node:fs/promises';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { StagingFolder } from '../../../src/staging/staging-folder.ts';
import { EASY, gatewayBench, picture } from '../../support/gateway-bench.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { file, status } from '../../support/media-server.ts';

/** No link that is silent is closed while the test moves the clock. */
const UNHURRIED = { handshakeTimeoutMs: 3_600_000, pingEveryMs: 3_600_000, answerTimeoutMs: 3_600_000 };

describe('media that do not come', () => {
  test('after three attempts the medium is corrupt', async () => {
    const bench = await gatewayBench();
    const clock = new ManualClock();
    const { session } = await bench.startWithBot({ clock });
    const { message } = picture(bench, 'p', { served: false });
    bench.media.on('/p', status(500));
    await session.receive(message);
    await expect
      .poll(() => {
        clock.advance(1_000);
        return bench.backend.ofType('media.corrupt');
      })
      .toHaveLength(1);
    const [corrupt] = bench.backend.ofType('media.corrupt');
    expect(corrupt).toMatchObject({ media_kind: 'image', quota_exceeded: false, reason: 'http: status 500' });
    expect(bench.media.requests).toEqual(['/p', '/p', '/p']);
    expect(await bench.staged()).toEqual([]);
  });

  test('beyond the quota the medium is corrupt at once, and says so', async () => {
    const bench = await gatewayBench();
    const { session } = await bench.startWithBot();
    bench.backend.send({ type: 'bot.start', bot_id: 'bot', config: { media_storage_quota_gb: 1e-9 } });
    bench.backend.send({ type: 'media.holds', guids: [] });
    await bench.backend.untilFrames('media.held');
    await session.receive(picture(bench, 'p').message);
    const [corrupt] = await bench.backend.untilFrames('media.corrupt');
    expect(corrupt).toMatchObject({ quota_exceeded: true, reason: 'quota' });
    expect(bench.media.requests).toEqual([]);
  });

  test('a medium that is gone is asked for again at the sender’s phone', async () => {
    const bench = await gatewayBench();
    const clock = new ManualClock();
    const { session } = await bench.startWithBot({ clock });
    const { message, ciphertext } = picture(bench, 'p', { served: false });
    session.upload = () => {
      bench.media.on('/again', file(ciphertext));
      return Promise.resolve('/again');
    };
    await session.receive(message);
    await expect
      .poll(() => {
        clock.advance(500);
        return bench.backend.ofType('media.staged');
      })
      .toHaveLength(1);
    expect(session.reuploads).toMatchObject([{ key: message.key, media: { kind: 'image' } }]);
    expect(bench.media.requests).toEqual(['/p', '/again']);
  });

  test('a phone that never answers holds nothing up for longer than its deadline', async () => {
    const bench = await gatewayBench();
    const clock = new ManualClock();
    const { session } = await bench.startWithBot({ clock });
    session.upload = () => new Promise(() => {});
    await session.receive(picture(bench, 'p', { served: false }).message);
    await expect
      .poll(() => {
        clock.advance(5_000);
        return bench.backend.ofType('media.corrupt');
      })
      .toMatchObject([{ reason: 'gone: status 404' }]);
  });

  test('V3: a chat whose downloads hang delays no other chat', async () => {
    const bench = await gatewayBench();
    const { gateway, session } = await bench.startWithBot({ settings: { maxConcurrentDownloads: 3 } });
    const slow = Array.from({ length: 10 }, (_, index) => picture(bench, `slow${index}`, { served: false }));
    for (const { message } of slow) bench.media.on(message.media?.directPath ?? '', () => {});
    await session.receive(...slow.map(({ message }) => message));
    const quick = Array.from({ length: 5 }, (_, index) =>
      picture(bench, `quick${index}`, { sender: 'ben@lid' }),
    );
    await session.receive(...quick.map(({ message }) => message));
    expect(await bench.backend.untilFrames('media.staged', 5)).toHaveLength(5);
    expect(gateway.snapshot().runningDownloads).toBe(1);
  });
});

describe('what bots share', () => {
  test.each([
    ['eight slots, four chats that hang', 8, 4],
    ['two slots, many chats that hang', 2, 10],
  ])('V4: with %s, another bot’s download starts at once', async (_, slots, chats) => {
    const bench = await gatewayBench();
    const { gateway, session: slow } = await bench.startWithBot({
      settings: { maxConcurrentDownloads: slots },
    });
    bench.backend.send({ type: 'bot.start', bot_id: 'other', ...EASY });
    await expect.poll(() => bench.sessions.all.length).toBe(2);
    const many = Array.from({ length: chats * 3 }, (__, nth) =>
      picture(bench, `slow${nth}`, { sender: `chat${nth % chats}@lid`, served: false }),
    );
    for (const { message } of many) bench.media.on(message.media?.directPath ?? '', () => {});
    await slow.receive(...many.map(({ message }) => message));
    await expect.poll(() => bench.media.requests.length).toBe(slots - 1);
    await bench.sessions.of('other').receive(picture(bench, 'other').message);
    await bench.backend.untilFrames('media.staged');
    expect(bench.media.requests).toHaveLength(slots);
    expect(gateway.snapshot().runningDownloads).toBe(slots - 1);
  });

  test('the quota of the most careful one counts', async () => {
    const bench = await gatewayBench();
    const { session } = await bench.startWithBot();
    bench.backend.send({ type: 'bot.start', bot_id: 'careful', config: { media_storage_quota_gb: 1e-9 } });
    await expect.poll(() => bench.sessions.all.length).toBe(2);
    await session.receive(picture(bench, 'p').message);
    expect(await bench.backend.untilFrames('media.corrupt')).toMatchObject([{ quota_exceeded: true }]);
  });

  test('the quota goes by what lies in the folder', async () => {
    const bench = await gatewayBench();
    const clock = new ManualClock();
    const { gateway, session } = await bench.startWithBot({ clock });
    await session.receive(picture(bench, 'gone').message);
    const [staged] = await bench.backend.untilFrames('media.staged');
    await rm(path.join(bench.dir, 'staging', staged?.guid ?? ''));
    clock.advance(60_000);
    await expect.poll(() => gateway.snapshot().stagedBytes).toBe(0);
  });

  test('a folder that cannot be read once costs no medium: its last total counts, and it is read again soon', async () => {
    const bench = await gatewayBench();
    const clock = new ManualClock();
    const { gateway, session } = await bench.startWithBot({ clock, linkTiming: UNHURRIED });
    await session.receive(picture(bench, 'p').message);
    const [staged] = await bench.backend.untilFrames('media.staged');
    vi.spyOn(StagingFolder.prototype, 'list').mockRejectedValueOnce(new Error('EMFILE: too many open files'));
    onTestFinished(() => void vi.restoreAllMocks());
    clock.advance(60_000);
    await bench.log.untilLine('its last total counts');
    expect(gateway.snapshot().stagedBytes).toBe(staged?.bytes);
    await session.receive(picture(bench, 'next').message);
    const [, next] = await bench.backend.untilFrames('media.staged', 2);
    await rm(path.join(bench.dir, 'staging', staged?.guid ?? ''));
    await nextTurn();
    clock.advance(5_000);
    await expect.poll(() => gateway.snapshot().stagedBytes).toBe(next?.bytes);
  });
});
