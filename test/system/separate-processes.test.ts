import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startSimulator } from '../../src/simulator/simulator.ts';
import type { DragomanProcess } from '../support/dragoman-process.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { configured, startDragoman } from '../support/started-dragoman.ts';
import { stubPools } from '../support/stub-pools.ts';

const TOKENS = { north: 'the token of the north', south: 'the token of the south' };
type GatewayId = keyof typeof TOKENS;
const GATEWAYS: readonly GatewayId[] = ['north', 'south'];
/** Nothing listens there: the first backend of each gateway is away. */
const NOWHERE = 'ws://127.0.0.1:9/gateway';
const PHONES = ['4915550000001', '4915550000002'];

/** A backend, a gateway for each of two bots, each with folders of its own, and an offline WhatsApp. */
async function world() {
  const simulator = await startSimulator({ autoScan: true });
  onTestFinished(() => simulator.close());
  const folders = {
    backend: await scratchFolder(),
    north: await scratchFolder(),
    south: await scratchFolder(),
  };
  const config = await configured(folders.backend, {
    dataFolder: '.',
    leaseMs: 2_000,
    bots: GATEWAYS.map((id) => ({ id: `bot-${id}`, gateway: id })),
    gateways: GATEWAYS.map((id) => ({
      id,
      token: TOKENS[id],
      stagingFolder: path.join(folders[id], 'media'),
    })),
    pools: stubPools(20),
  });
  const backend = async (port: string): Promise<DragomanProcess> => {
    const process = startDragoman('backend', '--config', config, '--port', port);
    await process.printed(/Gateways dial/);
    return process;
  };
  const gateway = async (id: GatewayId, port: string): Promise<DragomanProcess> => {
    const file = await configured(folders[id], {
      dataFolder: '.',
      stagingFolder: 'media',
      simulator: simulator.endpoint.mediaOrigin,
      uplink: {
        gatewayId: id,
        token: TOKENS[id],
        backends: [NOWHERE, `ws://127.0.0.1:${port}/gateway`],
      },
    });
    return startDragoman('gateway', '--config', file);
  };
  return { simulator, folders, backend, gateway };
}

/** The contents of each bot's history, in the order of their places. */
function historiesIn(folder: string): string[][] {
  const database = new DatabaseSync(path.join(folder, 'dragoman.db'), { readOnly: true, timeout: 5_000 });
  try {
    const contents = database.prepare(
      `SELECT message ->> 'content' AS content FROM queues WHERE bot_id = ? ORDER BY correspondent_id, id`,
    );
    return GATEWAYS.map((id) => contents.all(`bot-${id}`).map(({ content }) => String(content)));
  } finally {
    database.close();
  }
}

const portIn = ({ stdout }: DragomanProcess): string => /:(\d+)\/gateway/.exec(stdout)?.[1] ?? '';

test('a backend and two gateways, each killed and restarted: every message is there once, in order, with its words', async () => {
  const { simulator, folders, backend, gateway } = await world();
  let server = await backend('0');
  const port = portIn(server);
  const clients = { north: await gateway('north', port), south: await gateway('south', port) };
  await Promise.all(GATEWAYS.map((id) => clients[id].printed(/: open$/m)));

  let round = 0;
  const talk = async (): Promise<void> => {
    round += 1;
    for (const bot of PHONES) {
      await simulator.say('Ana', { text: `${round}: a word` }, { bot });
      await simulator.say('Ana', { image: 3_000, caption: `${round}: a picture` }, { bot });
    }
  };
  const untilTold = async (): Promise<void> => {
    const expected = Array.from({ length: round }, (_, index) => [
      `${index + 1}: a word`,
      expect.stringMatching(new RegExp(`^\\[Transcripted image .*\\] ${index + 1}: a picture$`)),
    ]).flat();
    await expect
      .poll(() => historiesIn(folders.backend), { timeout: 30_000, interval: 100 })
      .toEqual([expected, expected]);
  };
  await talk();
  await untilTold();

  await Promise.all(GATEWAYS.map((id) => clients[id].kill()));
  await talk();
  for (const id of GATEWAYS) clients[id] = await gateway(id, port);
  await untilTold();

  await server.kill();
  await talk();
  server = await backend(port);
  await untilTold();

  expect(await Promise.all(GATEWAYS.map((id) => clients[id].stop()))).toEqual([0, 0]);
  expect(await server.stop()).toBe(0);
  expect(server.stderr).not.toContain('step not finished');
});

async function refused(...args: readonly string[]) {
  const dragoman = startDragoman(...args, '--data-folder', await scratchFolder());
  const exitCode = await dragoman.exited();
  return { exitCode, lines: dragoman.stderr.trimEnd().split('\n') };
}

describe('one line says what is wrong with', () => {
  test('a gateway that does not know whom to dial', async () => {
    const { exitCode, lines } = await refused('gateway');
    expect(lines).toEqual([expect.stringContaining('uplink: expected gatewayId, token and backends')]);
    expect(exitCode).toBe(78);
  });

  test('a backend that knows no gateway', async () => {
    const { exitCode, lines } = await refused('backend');
    expect(lines).toEqual([expect.stringContaining('gateways: expected at least one')]);
    expect(exitCode).toBe(78);
  });
});
