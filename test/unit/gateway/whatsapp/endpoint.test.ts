import { createServer, type Server } from 'node:http';
import { WA_CERT_DETAILS } from '@whiskeysockets/baileys';
import { afterEach, describe, expect, test } from 'vitest';
import { resolveEndpoint, WHATSAPP } from '../../../../src/gateway/whatsapp/endpoint.ts';

const ROOT = Buffer.alloc(32, 7);
const WHATSAPP_ROOT = WA_CERT_DETAILS.PUBLIC_KEY;
const ENDPOINT = {
  socketUrl: 'ws://127.0.0.1:1/ws/chat',
  mediaOrigin: 'http://127.0.0.1:2',
  rootPublicKey: ROOT.toString('base64'),
};

let server: Server | null = null;

async function simulatorSaying(body: unknown): Promise<string> {
  server = createServer((request, response) => {
    response.writeHead(request.url === '/endpoint.json' ? 200 : 404).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('expected a port');
  return `http://127.0.0.1:${address.port}`;
}

afterEach(() => {
  server?.close();
  WA_CERT_DETAILS.PUBLIC_KEY = WHATSAPP_ROOT;
});

describe('resolveEndpoint', () => {
  test('without a simulator it is WhatsApp, whose certificates alone are trusted', async () => {
    expect(await resolveEndpoint(null)).toEqual(WHATSAPP);
    expect(WA_CERT_DETAILS.PUBLIC_KEY).toBe(WHATSAPP_ROOT);
  });

  test('a simulator on this machine is asked where it is, and trusted', async () => {
    const { rootPublicKey: _, ...endpoint } = ENDPOINT;
    expect(await resolveEndpoint(await simulatorSaying(ENDPOINT))).toEqual(endpoint);
    expect(Buffer.from(WA_CERT_DETAILS.PUBLIC_KEY)).toEqual(ROOT);
  });

  test.each([
    'http://192.0.2.1:80',
    'http://127.0.0.1.example.com',
    'http://localhost@192.0.2.1',
    'nonsense',
  ])('%s is refused without asking', async (url) => {
    await expect(resolveEndpoint(url)).rejects.toMatchObject({ code: 'config_invalid' });
  });

  test('what is no simulator is told in a line, and one that is away with the reason', async () => {
    const url = await simulatorSaying({ some: 'other service' });
    await expect(resolveEndpoint(url)).rejects.toThrow(
      /got: an answer of something else\. One is started by/,
    );
    server?.close();
    await expect(resolveEndpoint(url)).rejects.toThrow('ECONNREFUSED');
  });

  test.each([
    ['a socket elsewhere', { ...ENDPOINT, socketUrl: 'wss://web.whatsapp.com/ws/chat' }],
    ['media elsewhere', { ...ENDPOINT, mediaOrigin: 'https://example.com' }],
    ['a key that is none', { ...ENDPOINT, rootPublicKey: 'AAAA' }],
    ['no endpoint at all', {}],
  ])('a simulator that names %s is not trusted', async (_name, body) => {
    await expect(resolveEndpoint(await simulatorSaying(body))).rejects.toMatchObject({
      code: 'config_invalid',
    });
    expect(WA_CERT_DETAILS.PUBLIC_KEY).toBe(WHATSAPP_ROOT);
  });
});
