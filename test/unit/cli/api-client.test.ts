import { expect, test } from 'vitest';
import { z } from 'zod';
import { ApiClient } from '../../../src/cli/remote/api-client.ts';
import { serveHttp } from '../../support/http-server.ts';

test('a backend that is there and does not answer in time is not said to be away', async () => {
  const port = await serveHttp(() => {});
  const api = new ApiClient(`http://127.0.0.1:${port}`, undefined, 20);
  await expect(api.get('/api/v1/bots', z.any())).rejects.toMatchObject({ code: 'deadline_exceeded' });
});
