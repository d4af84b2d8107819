import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { newGuid } from '../../../src/base/ids.ts';
import { EASY, gatewayBench, picture } from '../../support/gateway-bench.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { received } from '../../support/received-messages.ts';
import { SILENCE } from '../../support/scripted-backend.ts';

describe('bounds and folders', () => {
  test('B2: a bot that floods the journal is held at its share of it, and no other is for that', async () => {
    const bench = await gatewayBench();
    bench.backend.answer = SILENCE;
    const settings = { journalSoftBytes: 20_000, journalHardBytes: 40_000 };
    const { session: flooding } = await bench.startWithBot({ settings });
    bench.backend.send({ type: 'bot.start', bot_id: 'quiet', ...EASY });
    await expect.poll(() => bench.sessions.all.length).toBe(2);
    const quiet = bench.sessions.of('quiet');
    const stateOf = (botId: string) =>
      bench.backend.ofType('bot.status').findLast((one) => one.bot_id === botId)?.state;
    const ack = (botId: string): void => {
      for (const frame of bench.backend.ofType('inbound')) {
        if (frame.bot_id === botId) bench.backend.send({ type: 'ack', seq: frame.seq });
      }
    };
    await flooding.receive(received('f1', { text: 'x'.repeat(19_000) }));
    await quiet.receive(received('q1', { text: 'x'.repeat(500) }));
    expect([flooding.state, quiet.state]).toEqual(['started', 'started']);
    await flooding.receive(received('f2', { text: 'x'.repeat(2_000) }));
    await bench.backend.until(() => stateOf('bot') === 'closed');
    await quiet.receive(received('q2', { text: 'x'.repeat(10_000) }));
    await bench.backend.untilFrames('inbound', 4);
    expect([flooding.state, quiet.state]).toEqual(['stopped', 'started']);

    ack('bot');
    await bench.backend.until(() => stateOf('bot') === 'open');
    await quiet.receive(received('q3', { text: 'x'.repeat(45_000) }));
    await bench.backend.until(() => stateOf('quiet') === 'closed' && stateOf('bot') === 'closed');
    await bench.backend.untilFrames('inbound', 5);
    ack('quiet');
    await bench.backend.until(() => stateOf('quiet') === 'open' && stateOf('bot') === 'open');
  });

  test('X3: downloads pause at the soft bound; sessions end at the hard one and come back below the soft one', async () => {
    const bench = await gatewayBench();
    bench.backend.answer = SILENCE;
    const settings = { journalSoftBytes: 2_000, journalHardBytes: 20_000 };
    const { gateway, session } = await bench.startWithBot({ settings });
    await session.receive(received('a', { text: 'x'.repeat(3_000) }));
    await session.receive(picture(bench, 'p').message);
    await bench.backend.untilFrames('inbound', 2);
    await expect.poll(() => gateway.snapshot()).toMatchObject({ waitingDownloads: 1, runningDownloads: 0 });
    expect(session.state).toBe('started');
    await session.receive(received('b', { text: 'x'.repeat(30_000) }));
    await bench.backend.until(() => bench.backend.ofType('bot.status').at(-1)?.state === 'closed');
    expect(session.state).toBe('stopped');
    for (const { seq } of bench.backend.ofType('inbound')) bench.backend.send({ type: 'ack', seq });
    await expect.poll(() => bench.sessions.all.map(({ state }) => state)).toEqual(['stopped', 'started']);
    await bench.backend.untilFrames('media.staged');
  });

  test('two gateways on one staging folder: the second is refused', async () => {
    const bench = await gatewayBench();
    const first = await bench.start();
    const elsewhere = { dataFolder: path.join(bench.dir, 'other') };
    await expect(bench.start(elsewhere)).rejects.toMatchObject({ code: 'already_in_use' });
    await first.stop();
    await bench.start(elsewhere);
  });

  test('a staging folder that cannot be locked is not said to be another gateway’s', async () => {
    const bench = await gatewayBench();
    const stagingFolder = path.join(bench.dir, 'other');
    await mkdir(path.join(stagingFolder, '.gateway-lock'), { recursive: true });
    await expect(bench.start({ stagingFolder })).rejects.toMatchObject({ code: 'folder_unusable' });
  });

  test('two gateways on one journal: the second is refused, and lets go of its staging folder', async () => {
    const bench = await gatewayBench();
    const first = await bench.start();
    const stagingFolder = path.join(bench.dir, 'other');
    await expect(bench.start({ stagingFolder })).rejects.toMatchObject({ code: 'already_in_use' });
    await first.stop();
    await bench.start({ stagingFolder });
  });

  test('a start that fails lets go of folder and journal', async () => {
    const bench = await gatewayBench();
    const clock = new ManualClock();
    await expect(bench.start({ clock, backendUrls: ['no url'] })).rejects.toThrow('Invalid URL');
    expect(clock.pendingTimers).toBe(0);
    await bench.start();
  });

  test('half a file of a former life is removed; a whole one counts', async () => {
    const bench = await gatewayBench();
    await (await bench.start()).stop();
    const staging = path.join(bench.dir, 'staging');
    const whole = newGuid();
    await writeFile(path.join(staging, `${newGuid()}.part`), 'half');
    await writeFile(path.join(staging, whole), 'whole');
    const gateway = await bench.start();
    expect(await bench.staged()).toEqual([whole]);
    expect(gateway.snapshot().stagedBytes).toBe(5);
  });

  test('settings that do not hold are refused', async () => {
    const bench = await gatewayBench();
    await expect(bench.start({ settings: { maxFileBytes: 0 } })).rejects.toMatchObject({
      code: 'config_invalid',
    });
    const bounds = { journalSoftBytes: 10, journalHardBytes: 5 };
    await expect(bench.start({ settings: bounds })).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringContaining('journalSoftBytes below journalHardBytes'),
    });
  });

  test('stopping twice is stopping once, and leaves no timer', async () => {
    const bench = await gatewayBench();
    const clock = new ManualClock();
    const { gateway } = await bench.startWithBot({ clock });
    await Promise.all([gateway.stop(), gateway.stop()]);
    expect(clock.pendingTimers).toBe(0);
  });

  test('no log line carries a text, a name or a number', async () => {
    const bench = await gatewayBench();
    const { gateway, session } = await bench.startWithBot();
    await session.receive(
      received('a', { text: 'my secret' }),
      picture(bench, 'p', { sender: '4917012345678@s' }).message,
    );
    await bench.backend.untilFrames('media.staged');
    await gateway.stop();
    const lines = JSON.stringify(
      bench.log.lines.filter(({ level }) => level !== 'trace' && level !== 'debug'),
    );
    expect(lines).not.toMatch(/secret|49170|ana@/);
  });
});
