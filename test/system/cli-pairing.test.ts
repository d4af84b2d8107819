import { expect, test } from 'vitest';
import type { BotView } from '../../src/system/administration/views.ts';
import { DragomanProcess } from '../support/dragoman-process.ts';
import { serveHttp } from '../support/http-server.ts';

const WAITING: BotView = {
  botId: 'shop',
  gatewayId: 'local',
  linked: true,
  stopped: false,
  state: 'pairing',
  detail: null,
  qr: 'to be scanned',
};

/** A backend whose bot is linked when it is looked at for the third time. Resolves to its port. */
function backendThatWaitsForAPhone(): Promise<number> {
  let looks = 0;
  return serveHttp(({ method }, reply) => {
    reply.setHeader('content-type', 'application/json');
    if (method === 'POST') return reply.end(JSON.stringify({ outcome: 'asked' }));
    looks += 1;
    reply.end(JSON.stringify([looks < 3 ? WAITING : { ...WAITING, state: 'open', qr: null }]));
  });
}

test('bots pair stays until the phone has scanned the code', async () => {
  const port = await backendThatWaitsForAPhone();
  const pairing = DragomanProcess.spawn('bots', 'pair', 'shop', '--http-port', String(port), '--json');
  expect([await pairing.exited(), pairing.stderr]).toEqual([0, '']);
  const states = pairing.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).state);
  expect(states).toEqual(['pairing', 'open']);
});

test('a command that waits for what can never come ends, and not with success', async () => {
  const unanswered = 'data:text/javascript,globalThis.fetch = () => new Promise(() => {})';
  const list = DragomanProcess.spawnWith(['--import', unanswered], 'bots', 'list', '--http-port', '7311');
  expect(await list.exited()).toBe(13);
});
