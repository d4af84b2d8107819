import path from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { SendRegister } from '../../../src/gateway/send-register.ts';
import { EASY, gatewayBench, picture } from '../../support/gateway-bench.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { file } from '../../support/media-server.ts';
import { openJournal } from '../../support/open-journal.ts';

describe('bots', () => {
  test('a bot that was started runs again after a restart, without a backend', async () => {
    const bench = await gatewayBench();
    const { gateway, session } = await bench.startWithBot();
    await gateway.stop();
    expect(session.state).toBe('stopped');
    bench.backend.upgradeStatus = 503;
    await bench.start();
    expect(bench.sessions.all.map(({ state }) => state)).toEqual(['stopped', 'started']);
  });

  test('a bot that was stopped stays stopped after a restart, and is announced', async () => {
    const bench = await gatewayBench();
    const { gateway, session } = await bench.startWithBot();
    bench.backend.send({ type: 'bot.stop', bot_id: 'bot' });
    await bench.backend.until(() => bench.backend.ofType('bot.status').at(-1)?.state === 'stopped');
    expect(session.state).toBe('stopped');
    await gateway.stop();
    await bench.start();
    const [, hello] = await bench.backend.untilFrames('hello', 2);
    expect(hello).toMatchObject({ gateway_id: 'north', bots: ['bot'] });
    expect(bench.sessions.all).toHaveLength(1);
  });

  test('the last status of each bot follows each hello', async () => {
    const bench = await gatewayBench();
    const { session } = await bench.startWithBot({ bots: ['bot', 'spare'] });
    session.show({ state: 'pairing', qr: 'https://wa.me/settings/linked_devices#x', detail: null });
    await bench.backend.until(() => bench.backend.ofType('bot.status').at(-1)?.state === 'pairing');
    bench.backend.cut();
    await bench.backend.untilFrames('hello', 2);
    await bench.backend.until(() => bench.backend.links[1]?.length === 3);
    expect(bench.backend.links[1]?.slice(1)).toMatchObject([
      { bot_id: 'bot', state: 'pairing', qr: 'https://wa.me/settings/linked_devices#x' },
      { bot_id: 'spare', state: 'stopped' },
    ]);
  });

  test('Z2: of many wishes the last one wins, and two sessions never run at once', async () => {
    const bench = await gatewayBench();
    const { session } = await bench.startWithBot();
    const stopping = Promise.withResolvers<void>();
    session.stop = () => {
      session.state = 'stopped';
      return stopping.promise;
    };
    bench.backend.send({ type: 'bot.stop', bot_id: 'bot' });
    await expect.poll(() => session.state).toBe('stopped');
    for (let wish = 0; wish < 5; wish += 1) {
      bench.backend.send({ type: 'bot.stop', bot_id: 'bot' });
      bench.backend.send({ type: 'bot.start', bot_id: 'bot', ...EASY });
    }
    bench.backend.send({ type: 'media.holds', guids: [] });
    await bench.backend.untilFrames('media.held');
    expect(bench.sessions.all).toHaveLength(1);
    stopping.resolve();
    await expect.poll(() => bench.sessions.all.map(({ state }) => state)).toEqual(['stopped', 'started']);
  });

  test('a session that cannot be made is told, and tried again when the backend asks again', async () => {
    const bench = await gatewayBench();
    await bench.start({
      createSession: () => {
        throw new Error('no such provider');
      },
    });
    await bench.backend.untilFrames('hello');
    bench.backend.send({ type: 'bot.start', bot_id: 'bot', ...EASY });
    expect(await bench.backend.untilFrames('bot.status')).toMatchObject([
      { state: 'closed', detail: 'the session could not be started: no such provider' },
    ]);
  });

  test('Z3: a session that gave up is started again when the backend asks again', async () => {
    const bench = await gatewayBench();
    const { session } = await bench.startWithBot();
    session.show({ state: 'closed', qr: null, detail: 'another program took over' });
    bench.backend.send({ type: 'bot.start', bot_id: 'bot', ...EASY });
    await expect.poll(() => session.starts).toBe(2);
    await bench.backend.until(() => bench.backend.ofType('bot.status').at(-1)?.state === 'open');
    expect(bench.sessions.all).toEqual([session]);
  });

  test('Z5: other settings make another session, another quota alone does not', async () => {
    const bench = await gatewayBench();
    const { gateway, session } = await bench.startWithBot();
    const config = { media_storage_quota_gb: 2 };
    bench.backend.send({ type: 'bot.start', bot_id: 'bot', config });
    await expect.poll(() => session.starts).toBe(2);
    expect(bench.sessions.all).toEqual([session]);

    const byCode = { ...config, pairing_phone: '4915550000001' };
    bench.backend.send({ type: 'bot.start', bot_id: 'bot', config: byCode });
    await expect.poll(() => bench.sessions.all.map(({ state }) => state)).toEqual(['stopped', 'started']);
    expect(bench.sessions.of('bot').config).toEqual(byCode);

    await gateway.stop();
    await bench.start();
    expect(bench.sessions.of('bot').config).toEqual(byCode);
  });

  test('Q2: of a bot that was forgotten no credentials are left, and it is named no more', async () => {
    const bench = await gatewayBench();
    const { gateway, session } = await bench.startWithBot();
    await session.learn('creds', '"before"');
    const stopping = Promise.withResolvers<void>();
    session.stop = async () => {
      await stopping.promise;
      await session.learn('creds', '"while it ends"');
    };
    bench.backend.send({ type: 'bot.stop', bot_id: 'bot', forget: true });
    await expect.poll(() => gateway.snapshot().bots).toEqual([]);
    stopping.resolve();
    await bench.backend.until(() => bench.backend.ofType('bot.status').at(-1)?.state === 'stopped');
    await gateway.stop();

    const journal = await openJournal({ dir: path.join(bench.dir, 'data') });
    expect(await journal.sessions.readAuth('bot', ['creds'])).toEqual(new Map());
    expect(journal.bots.all()).toEqual([]);
  });

  test('Q3: wanted again while it is being forgotten, a bot begins anew after that, by its last settings', async () => {
    const bench = await gatewayBench();
    const { session } = await bench.startWithBot();
    await session.learn('creds', '"before"');
    const stopping = Promise.withResolvers<void>();
    session.stop = () => stopping.promise;
    bench.backend.send({ type: 'bot.stop', bot_id: 'bot', forget: true });
    bench.backend.send({ type: 'bot.start', bot_id: 'bot', config: { media_storage_quota_gb: 5 } });
    bench.backend.send({ type: 'bot.stop', bot_id: 'bot' });
    bench.backend.send({ type: 'bot.start', bot_id: 'bot', config: { media_storage_quota_gb: 7 } });
    bench.backend.send({ type: 'media.holds', guids: [] });
    await bench.backend.untilFrames('media.held');
    expect(bench.sessions.all).toEqual([session]);
    stopping.resolve();
    await expect.poll(() => bench.sessions.all.length).toBe(2);
    expect(bench.sessions.of('bot').config).toEqual({ media_storage_quota_gb: 7 });
  });

  test('Q3: but not while the gateway stops: it begins with the next one', async () => {
    const bench = await gatewayBench();
    const { gateway, session } = await bench.startWithBot();
    const stopping = Promise.withResolvers<void>();
    session.stop = () => stopping.promise;
    const config = { media_storage_quota_gb: 5 };
    bench.backend.send({ type: 'bot.stop', bot_id: 'bot', forget: true });
    bench.backend.send({ type: 'bot.start', bot_id: 'bot', config });
    bench.backend.send({ type: 'media.holds', guids: [] });
    await bench.backend.untilFrames('media.held');
    const stopped = gateway.stop();
    stopping.resolve();
    await stopped;
    expect(bench.sessions.all).toEqual([session]);
    await bench.start();
    expect(bench.sessions.of('bot').config).toEqual(config);
  });

  test('an outcome of a send that cannot be journalled is tried again at the next tick', async () => {
    const bench = await gatewayBench();
    const clock = new ManualClock();
    const settings = { sendJitterMs: 0, longestTypingMs: 0 };
    await bench.startWithBot({ clock, settings });
    const named = vi.spyOn(SendRegister.prototype, 'name');
    vi.spyOn(SendRegister.prototype, 'end').mockImplementationOnce(() => {
      throw new Error('the disk is gone');
    });
    onTestFinished(() => void vi.restoreAllMocks());
    bench.backend.send({ type: 'send', request_id: 'r', bot_id: 'bot', to: 'ana@lid', text: 'hello' });
    await expect.poll(() => named.mock.calls.length).toBe(1);
    clock.advance(1);
    await bench.log.untilLine('cannot be recorded now');
    expect(bench.backend.ofType('sent')).toEqual([]);
    clock.advance(5_000);
    expect(await bench.backend.untilFrames('sent')).toMatchObject([{ request_id: 'r' }]);
  });

  test('downloads of a stopped bot are aborted, and wait for its next start', async () => {
    const bench = await gatewayBench();
    const { gateway, session } = await bench.startWithBot();
    const { message, ciphertext } = picture(bench, 'p', { served: false });
    bench.media.on('/p', (response) => response.write(ciphertext.subarray(0, 4)));
    await session.receive(message);
    await expect.poll(bench.staged).toEqual([expect.stringContaining('.part')]);
    bench.backend.send({ type: 'bot.stop', bot_id: 'bot' });
    await bench.backend.until(() => bench.backend.ofType('bot.status').at(-1)?.state === 'stopped');
    expect(gateway.snapshot().runningDownloads).toBe(0);
    expect(await bench.staged()).toEqual([]);
    bench.media.on('/p', file(ciphertext));
    bench.backend.send({ type: 'bot.start', bot_id: 'bot', ...EASY });
    await bench.backend.untilFrames('media.staged');
    expect(bench.backend.ofType('media.corrupt')).toEqual([]);
    expect(bench.media.requests).toEqual(['/p', '/p']);
  });
});
