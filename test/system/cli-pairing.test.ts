import { once } from 'node:events';
import { createServer } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import type { BotView } from '../../src/system/administration/views.ts';
import { DragomanProcess } from '../support/dragoman-process.ts';

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
async function backendThatWaitsForAPhone(): Promise<number> {
  let looks = 0;
  const server = createServer(({ method }, reply) => {
    reply.setHeader('content-type', 'application/json');
    if (method === 'POST') return reply.end(JSON.stringify({ outcome: 'asked' }));
    looks += 1;
    reply.end(JSON.stringify([looks < 3 ? WAITING : { ...WAITING, state: 'open', qr: null }]));
  }).listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('expected a port');
  return address.port;
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
