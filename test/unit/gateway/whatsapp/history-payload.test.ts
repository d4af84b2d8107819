import { createCipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fetchHistory } from '../../../../src/gateway/whatsapp/history-payload.ts';
import { hastyClock } from '../../../support/hasty-clock.ts';
import { file, MediaServer, status } from '../../../support/media-server.ts';

const PATH = '/v/history.enc';
const PLAIN = Buffer.from('a deflated history');
const MEDIA_KEY = randomBytes(32);

/** As a phone encrypts it: the scheme of media, with a key of its own kind. */
function encrypted(): Buffer {
  const keys = Buffer.from(hkdfSync('sha256', MEDIA_KEY, '', 'WhatsApp History Keys', 112));
  const cipher = createCipheriv('aes-256-cbc', keys.subarray(16, 48), keys.subarray(0, 16));
  const body = Buffer.concat([cipher.update(PLAIN), cipher.final()]);
  const mac = createHmac('sha256', keys.subarray(48, 80)).update(keys.subarray(0, 16)).update(body).digest();
  return Buffer.concat([body, mac.subarray(0, 10)]);
}

let host: MediaServer;
const clock = hastyClock();

beforeEach(async () => {
  host = await MediaServer.start();
});
afterEach(() => host.close());

const fetched = (directPath = PATH, lifetime = new AbortController()) =>
  fetchHistory({ directPath, mediaKey: MEDIA_KEY }, { origin: host.origin, clock, signal: lifetime.signal });

describe('fetchHistory', () => {
  test('gives what the phone deflated', async () => {
    host.on(PATH, file(encrypted()));
    expect(await fetched()).toEqual({ kind: 'payload', deflated: PLAIN });
  });

  test('what is gone, or lies elsewhere, is lost, and not asked for again', async () => {
    expect(await fetched()).toEqual({ kind: 'lost', reason: 'gone' });
    expect(await fetched('//elsewhere.example/history')).toMatchObject({ kind: 'lost' });
    expect(host.requests).toEqual([PATH]);
  });

  test('a host that has trouble is asked three times, and may be asked later', async () => {
    host.on(PATH, status(503));
    expect(await fetched()).toEqual({ kind: 'unreachable', reason: 'http' });
    expect(host.requests).toHaveLength(3);
  });

  test('a damaged file is asked for again', async () => {
    const damaged = encrypted();
    damaged.writeUInt8(damaged.readUInt8(0) ^ 1, 0);
    const bodies = [damaged, encrypted()];
    host.on(PATH, (response) => response.end(bodies.shift()));
    expect(await fetched()).toMatchObject({ kind: 'payload' });
  });

  test('a connection that ends asks no more, and the next one may', async () => {
    const lifetime = new AbortController();
    host.on(PATH, (response) => {
      lifetime.abort();
      response.writeHead(503).end();
    });
    expect(await fetched(PATH, lifetime)).toMatchObject({ kind: 'unreachable' });
    expect(host.requests).toHaveLength(1);
  });
});
