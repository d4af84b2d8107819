import { createServer } from 'node:http';
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { ApiClient } from '../../../src/cli/remote/api-client.ts';

test('a backend that is there and does not answer in time is not said to be away', async () => {
  const server = createServer(() => {}).listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('expected a port');
  const api = new ApiClient(`http://127.0.0.1:${address.port}`, undefined, 20);
  await expect(api.get('/api/v1/bots', z.any())).rejects.toMatchObject({ code: 'deadline_exceeded' });
});
