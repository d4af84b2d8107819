import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startSimulator } from '../../src/simulator/simulator.ts';
import type { DragomanProcess } from '../support/dragoman-process.ts';
import { giveHandles, mayLimitHandles, takeHandles } from '../support/file-handles.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { configured, startDragoman } from '../support/started-dragoman.ts';
import { stubPools } from '../support/stub-pools.ts';

const TOKEN = 'the token of the north';
const quickPools = stubPools(20);

/** What the store holds, in the order of places. */
function historyIn(folder: string): string[] {
  using database = new DatabaseSync(path.join(folder, 'dragoman.db'), { readOnly: true, timeout: 5_000 });
  return database
    .prepare(`SELECT message ->> 'content' AS content FROM queues ORDER BY correspondent_id, id`)
    .all()
    .map(({ content }) => String(content));
}

async function offlineWhatsApp() {
  const simulator = await startSimulator({ autoScan: true });
  onTestFinished(() => simulator.close());
  return simulator;
}

/** A backend, and a gateway that can be started again and again and shares its staging folder. */
async function apart() {
  const simulator = await offlineWhatsApp();
  const folder = await scratchFolder();
  const backendConfig = await configured(folder, {
    dataFolder: '.',
    stagingFolder: 'media',
    bots: [{ id: 'main', gateway: 'north' }],
    gateways: [{ id: 'north', token: TOKEN }],
    pools: quickPools,
  });
  const backend = startDragoman('backend', '--port', '0', '--config', backendConfig);
  await backend.printed(/Gateways dial/);
  const gatewayConfig = await configured(await scratchFolder(), {
    dataFolder: '.',
    stagingFolder: path.join(folder, 'media'),
    simulator: simulator.endpoint.mediaOrigin,
    uplink: {
      gatewayId: 'north',
      token: TOKEN,
      backends: [`ws://127.0.0.1:${/:(\d+)\/gateway/.exec(backend.stdout)?.[1]}/gateway`],
    },
  });
  const gateway = async (): Promise<DragomanProcess> => {
    const process = startDragoman('gateway', '--config', gatewayConfig);
    await process.printed(/: open$/m);
    return process;
  };
  return { simulator, folder, backend, gateway };
}

const picture = (caption: string): unknown =>
  expect.stringMatching(new RegExp(`^\\[Transcripted image .*\\] ${caption}$`));

describe.skipIf(!mayLimitHandles)('a process that has no file handle left', () => {
  test('takes texts all the while, has media wait, and turns them into words once it has some again', async () => {
    const simulator = await offlineWhatsApp();
    const folder = await scratchFolder();
    const config = await configured(folder, {
      dataFolder: '.',
      stagingFolder: 'media',
      simulator: simulator.endpoint.mediaOrigin,
      listen: { port: 0 },
      pools: quickPools,
    });
    const dragoman = startDragoman('start', '--config', config);
    await dragoman.printed(/: open$/m);
    await simulator.say('Ana', { text: 'before' });
    await expect.poll(() => historyIn(folder)).toEqual(['before']);

    takeHandles(dragoman.pid);
    await simulator.say('Ana', { image: 20_000, caption: 'the menu' });
    await simulator.say('Ana', { text: 'meanwhile' });
    await dragoman.logged(/no file handle is left: a download waits for one/);
    await expect.poll(() => historyIn(folder)).toEqual(['before', 'meanwhile']);

    giveHandles(dragoman.pid);
    await expect.poll(() => historyIn(folder)).toEqual(['before', picture('the menu'), 'meanwhile']);
    expect(await dragoman.stop()).toBe(0);
  });

  test('is a backend that no gateway reaches: what it has not acked waits there, and comes once, in order', async () => {
    const { simulator, folder, backend, gateway } = await apart();
    const first = await gateway();
    await simulator.say('Ana', { text: 'before' });
    await expect.poll(() => historyIn(folder)).toEqual(['before']);

    takeHandles(backend.pid);
    await first.kill();
    await gateway();
    await simulator.say('Ana', { image: 20_000, caption: 'the menu' });
    const { messageId } = await simulator.say('Ana', { text: 'meanwhile' });
    const isLast = (receipt: { readonly messageId: string }): boolean => receipt.messageId === messageId;
    await simulator.events.waitFor('receipt', isLast, { deadlineMs: 20_000 });
    expect(historyIn(folder)).toEqual(['before']);

    giveHandles(backend.pid);
    await expect.poll(() => historyIn(folder)).toEqual(['before', picture('the menu'), 'meanwhile']);
    expect(await backend.stop()).toBe(0);
  });

  test('has a medium wait that it cannot read, and acks what it has taken', async () => {
    const { simulator, folder, backend, gateway } = await apart();
    await gateway();
    await simulator.say('Ana', { text: 'before' });
    await expect.poll(() => historyIn(folder)).toEqual(['before']);

    takeHandles(backend.pid);
    await simulator.say('Ana', { image: 20_000, caption: 'the menu' });
    await backend.logged(/no file handle is left: a job waits for one/);
    await simulator.say('Ana', { text: 'meanwhile' });
    await expect.poll(() => historyIn(folder)).toEqual(['before', 'meanwhile']);

    giveHandles(backend.pid);
    await expect.poll(() => historyIn(folder)).toEqual(['before', picture('the menu'), 'meanwhile']);
    expect(await backend.stop()).toBe(0);
  });
});
