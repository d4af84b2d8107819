import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import type { MediaFault } from '../../../src/simulator/media-fault.ts';
import { MediaHost } from '../../../src/simulator/media-host.ts';

const BODY = Buffer.from('0123456789abcdef');

let host: MediaHost;
let server: Server;
let port: number;

beforeEach(async () => {
  host = new MediaHost(systemClock());
  server = createServer((request, response) => {
    if (!host.handle(request, response)) response.writeHead(418).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  port = typeof address === 'object' && address ? address.port : 0;
});
afterEach(() => {
  server.close();
  server.closeAllConnections();
});

function get(path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}${path}`, init);
}
const getWith = (fault: MediaFault, init: RequestInit = {}) => get(host.store(BODY, fault), init);
const bodyOf = async (response: Response) => Buffer.from(await response.arrayBuffer());

/** What arrives before the body fails, or before `enough` bytes are there. */
async function partialBody(response: Response, enough = Number.POSITIVE_INFINITY): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of response.body ?? []) {
      chunks.push(chunk);
      if (Buffer.concat(chunks).length >= enough) break;
    }
  } catch {
    // The fault under test.
  }
  return Buffer.concat(chunks);
}

test('a file without a fault is served whole, and each request is logged', async () => {
  const path = host.store(BODY, null);
  const response = await get(path);
  expect(response.headers.get('content-length')).toBe(String(BODY.length));
  expect(await bodyOf(response)).toEqual(BODY);
  expect((await get('/v/nothing.enc')).status).toBe(404);
  expect((await get('/elsewhere')).status).toBe(418);
  expect(host.requests).toMatchObject([
    { path, fault: null },
    { path: '/v/nothing.enc', fault: 'unknown_path' },
  ]);
});

test('status: the error comes instead of the file, with retry-after', async () => {
  const response = await getWith({ kind: 'status', status: 429, retryAfterSeconds: 7 });
  expect(response.status).toBe(429);
  expect(response.headers.get('retry-after')).toBe('7');
});

test('firstRequests: a fault ends after so many requests', async () => {
  const path = host.store(BODY, { kind: 'status', status: 500, firstRequests: 2 });
  const statuses = [await get(path), await get(path), await get(path)].map(({ status }) => status);
  expect(statuses).toEqual([500, 500, 200]);
});

test('a list: each request meets the next one, null is none, and after its end the file is whole', async () => {
  const path = host.store(BODY, [{ kind: 'status', status: 500 }, null, { kind: 'status', status: 404 }]);
  const statuses: number[] = [];
  for (let request = 1; request <= 5; request += 1) statuses.push((await get(path)).status);
  expect(statuses).toEqual([500, 200, 404, 200, 200]);
});

test('reset: the line breaks in the middle of the body', async () => {
  await expect(getWith({ kind: 'reset', afterBytes: 5 }).then(bodyOf)).rejects.toThrow('terminated');
  expect(host.requests).toMatchObject([{ fault: 'reset' }]);
});

test('stall: part of the body comes, and then nothing more', async () => {
  const controller = new AbortController();
  const response = await getWith({ kind: 'stall', afterBytes: 5 }, { signal: controller.signal });
  const reader = response.body?.getReader();
  expect(Buffer.from((await reader?.read())?.value ?? [])).toEqual(BODY.subarray(0, 5));
  const next = reader?.read().then(
    () => 'more',
    () => 'aborted',
  );
  controller.abort();
  expect(await next).toBe('aborted');
});

test('drip: the whole file comes in small pieces', async () => {
  const response = await getWith({ kind: 'drip', bytesPerSecond: 100 });
  const pieces: number[] = [];
  for await (const chunk of response.body ?? []) pieces.push(chunk.length);
  expect(pieces.length).toBeGreaterThan(1);
  expect(pieces.reduce((sum, length) => sum + length, 0)).toBe(BODY.length);
});

test('truncate: the body ends early, and cleanly', async () => {
  expect(await bodyOf(await getWith({ kind: 'truncate', afterBytes: 5 }))).toEqual(BODY.subarray(0, 5));
});

test('flip_bit: exactly one bit differs', async () => {
  const body = await bodyOf(await getWith({ kind: 'flip_bit', atByte: 3 }));
  expect(body).toHaveLength(BODY.length);
  const differences = [...body].map((byte, index) => byte ^ (BODY[index] ?? 0));
  expect(differences.filter((bits) => bits !== 0)).toEqual([1]);
  expect(differences[3]).toBe(1);
});

test('empty: 200 without a body', async () => {
  const response = await getWith({ kind: 'empty' });
  expect(response.status).toBe(200);
  expect(await bodyOf(response)).toHaveLength(0);
});

test('content_length: the header lies', async () => {
  const tooMuch = await getWith({ kind: 'content_length', bytes: 1_000 });
  expect(tooMuch.headers.get('content-length')).toBe('1000');
  expect(await partialBody(tooMuch)).toEqual(BODY);
  const tooLittle = await getWith({ kind: 'content_length', bytes: 4 });
  expect(await partialBody(tooLittle)).toEqual(BODY.subarray(0, 4));
});

test('endless: more comes than anybody wants', async () => {
  const response = await getWith({ kind: 'endless' });
  expect((await partialBody(response, 1_000_000)).length).toBeGreaterThanOrEqual(1_000_000);
});

test('redirect: somewhere else is named', async () => {
  const response = await getWith(
    { kind: 'redirect', location: 'http://127.0.0.1:1/' },
    { redirect: 'manual' },
  );
  expect(response.status).toBe(302);
  expect(response.headers.get('location')).toBe('http://127.0.0.1:1/');
});

test('a copy of a file has a path of its own and no fault', async () => {
  const path = host.store(BODY, { kind: 'status', status: 410 });
  const copy = host.storeAgain(path);
  expect(await bodyOf(await get(copy ?? ''))).toEqual(BODY);
  expect((await get(path)).status).toBe(410);
  expect(host.storeAgain('/v/nothing.enc')).toBeNull();
});

test('a fault can be changed while the file is there', async () => {
  const path = host.store(BODY, null);
  host.setFault(path, { kind: 'status', status: 404 });
  expect((await get(path)).status).toBe(404);
  host.setFault(path, null);
  expect((await get(path)).status).toBe(200);
});
