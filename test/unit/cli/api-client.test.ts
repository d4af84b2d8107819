import { expect, test } from 'vitest';
import { z } from 'zod';
import { ApiClient } from '../../../src/cli/remote/api-client.ts';
import { remoteAdministration } from '../../../src/cli/remote/remote-administration.ts';
import { serveHttp } from '../../support/http-server.ts';

test('a backend that is there and does not answer in time is not said to be away', async () => {
  const port = await serveHttp(() => {});
  const api = new ApiClient(`http://127.0.0.1:${port}`, undefined, 20);
  await expect(api.get('/api/v1/bots', z.any())).rejects.toMatchObject({ code: 'deadline_exceeded' });
});

test('whatever keeps a text from being sent is a result, a request id of another text too', async () => {
  const problem = { code: 'request_invalid', detail: 'the request id stands for another text' };
  const port = await serveHttp((_, response) => response.writeHead(400).end(JSON.stringify(problem)));
  const { send } = remoteAdministration(new ApiClient(`http://127.0.0.1:${port}`, undefined));
  await expect(send({ botId: 'main', to: 'ann', text: 'hello', requestId: 'r1' })).resolves.toEqual({
    kind: 'failed',
    requestId: 'r1',
    code: problem.code,
    reason: problem.detail,
  });
});
