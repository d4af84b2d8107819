import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { environmentOf } from '../support/compose-file.ts';
import { DragomanProcess } from '../support/dragoman-process.ts';
import { MONGODB_URL, TestDatabase } from '../support/mongo-subject.ts';
import { scratchFolder } from '../support/scratch-folder.ts';

const TOKENS = { GATEWAY_TOKEN: 'f0e1d2c3'.repeat(8), HTTP_TOKEN: '01234567'.repeat(8) };

/** MongoDB as in docker-compose.yml where there is one, otherwise a file. */
function storeFor(folder: string): string {
  if (MONGODB_URL === undefined) return `sqlite:${path.join(folder, 'dragoman.db')}`;
  const database = new TestDatabase();
  onTestFinished(() => database.drop());
  return database.url;
}

function spawn(environment: Record<string, string>, ...args: readonly string[]): DragomanProcess {
  const dragoman = DragomanProcess.spawnIn(environment, ...args);
  onTestFinished(() => dragoman.kill());
  return dragoman;
}

test('the two processes of docker-compose.yml, as it configures them, carry a message and a picture into the history', async () => {
  const simulator = await startSimulator({ autoScan: true });
  onTestFinished(() => simulator.close());
  const folder = await scratchFolder();
  const shared = { DRAGOMAN_STAGING_FOLDER: path.join(folder, 'pending_media') };

  const backendEnvironment = {
    ...environmentOf('backend', { ...TOKENS, DRAGOMAN_STORE: storeFor(folder) }),
    ...shared,
    DRAGOMAN_DATA_FOLDER: path.join(folder, 'backend'),
    // On this machine they are no containers with addresses of their own.
    DRAGOMAN_LISTEN_PORT: '0',
    DRAGOMAN_HTTP_PORT: '0',
  };
  const backendArgs = ['--config', 'docker/backend.yaml'];
  const backend = spawn(backendEnvironment, 'backend', ...backendArgs);
  await backend.printed(/Look inside at/);
  const linkPort = /:(\d+)\/gateway/.exec(backend.stdout)?.[1] ?? '';
  const httpPort = /Look inside at \S+:(\d+)/.exec(backend.stdout)?.[1] ?? '';

  const gatewayEnvironment = {
    ...environmentOf('whatsapp_baileys_server', TOKENS),
    ...shared,
    DRAGOMAN_DATA_FOLDER: path.join(folder, 'gateway'),
    DRAGOMAN_UPLINK_BACKENDS: `[ws://127.0.0.1:${linkPort}/gateway]`,
    DRAGOMAN_SIMULATOR: simulator.endpoint.mediaOrigin,
  };
  const gatewayArgs = ['--config', 'docker/gateway.yaml'];
  const gateway = spawn(gatewayEnvironment, 'gateway', ...gatewayArgs);
  await gateway.printed(/main: open/);

  const ask = async (where: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`http://127.0.0.1:${httpPort}${where}`, { headers, signal: AbortSignal.timeout(10_000) });
  const authorized = { authorization: `Bearer ${TOKENS.HTTP_TOKEN}` };
  expect((await ask('/healthz')).status).toBe(200);
  expect((await ask('/api/v1/bots')).status).toBe(401);
  expect(await (await ask('/api/v1/bots', authorized)).json()).toMatchObject([{ botId: 'main' }]);

  await simulator.say('Ana', { text: 'hello' });
  await simulator.say('Ana', { image: 2_000, caption: 'look' });
  // Asked while the picture becomes words.
  const examined = Promise.all(
    [
      { environment: backendEnvironment, name: 'backend', args: backendArgs },
      { environment: gatewayEnvironment, name: 'gateway', args: gatewayArgs },
    ].map(async ({ environment, name, args }) => {
      const doctor = spawn(environment, 'doctor', ...args);
      const health = await spawn(environment, 'health', name, ...args).exited();
      return { health, doctor: await doctor.exited(), told: doctor.stdout };
    }),
  );
  const { identity } = simulator.person('Ana');
  const history = `/api/v1/bots/main/chats/${encodeURIComponent(identity.pn)}/history`;
  await expect
    .poll(async () => (await ask(history, authorized)).text(), { timeout: 60_000, interval: 200 })
    .toMatch(/Transcripted image .*look/);
  expect(await (await ask(history, authorized)).text()).toContain('hello');

  for (const each of await examined) {
    expect(each).toEqual({ health: 0, doctor: 0, told: expect.not.stringContaining('✗') });
  }
  expect(await gateway.stop()).toBe(0);
  expect(await backend.stop()).toBe(0);
}, 180_000);
