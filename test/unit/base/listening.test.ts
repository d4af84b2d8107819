import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { hostInUrl, listenError, portOf } from '../../../src/base/listening.ts';

const CHOICE = { flag: '--port', section: 'listen' };

async function refusal(host: string, port: number): Promise<unknown> {
  const server = createServer().listen(port, host);
  const [error] = await once(server, 'error');
  return listenError(error, { host, port }, CHOICE);
}

test('a port that is taken, or an address that is not this machine’s, is told with what to do about it', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const port = portOf(server);
  expect(await refusal('127.0.0.1', port)).toMatchObject({
    code: 'already_in_use',
    message: expect.stringContaining('choose another port with --port or listen.port'),
  });
  expect(await refusal('192.0.2.1', port)).toMatchObject({
    code: 'config_invalid',
    message: expect.stringContaining('choose another listen.host or listen.port'),
  });
});

test('what is no refusal of the operating system is told as it is', () => {
  const error = new Error('a bug');
  expect(listenError(error, { host: '::1', port: 1 }, CHOICE)).toBe(error);
});

test('an IPv6 address stands in brackets', () => {
  expect(['::1', '127.0.0.1'].map(hostInUrl)).toEqual(['[::1]', '127.0.0.1']);
});
