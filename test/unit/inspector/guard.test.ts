import { request } from 'node:http';
import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { problem } from '../../../src/inspector/http/problem.ts';
import { HTTP_TOKEN, inspected } from '../../support/inspected-backend.ts';

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** `fetch` sets Host and Origin itself. */
function statusOf(url: string, headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const call = request(url, { headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    call.once('error', reject);
    call.end();
  });
}

/** How a server answers one who would watch. */
function watching(url: string, protocols: string[], headers: Record<string, string> = {}) {
  const socket = new WebSocket(`${url.replace('http:', 'ws:')}/api/v1/events`, protocols, { headers });
  return new Promise<number | 'open'>((resolve, reject) => {
    socket.once('open', () => {
      socket.terminate();
      resolve('open');
    });
    socket.once('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
    socket.once('error', reject);
  });
}

const asProtocol = (token: string): string => `bearer.${Buffer.from(token).toString('base64url')}`;

describe('without a token, on this machine alone', () => {
  test('whoever calls by address or as localhost is answered', async () => {
    const { inspector, get } = await inspected();
    expect((await get('/healthz')).status).toBe(200);
    const port = new URL(inspector.url).port;
    for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`]) {
      expect(await statusOf(`${inspector.url}/readyz`, { host })).toBe(503);
    }
  });

  test('a name that was rebound to this machine is refused, unless it is allowed', async () => {
    const { inspector } = await inspected({ allowedHosts: ['dragoman.internal'] });
    for (const host of [
      'evil.example',
      'evil.example:7311',
      'localhost.evil.example',
      'localhost@evil.example',
    ]) {
      expect(await statusOf(`${inspector.url}/healthz`, { host })).not.toBe(200);
    }
    expect(await statusOf(`${inspector.url}/healthz`, { host: 'evil.example' })).toBe(403);
    expect(await statusOf(`${inspector.url}/healthz`, { host: 'dragoman.internal' })).toBe(200);
  });

  test('a page of another origin is refused, over HTTP and WebSocket', async () => {
    const { inspector } = await inspected();
    const { host } = new URL(inspector.url);
    for (const origin of ['https://evil.example', 'null', 'http://127.0.0.1:1', 'file://']) {
      expect(await statusOf(`${inspector.url}/healthz`, { host, origin })).toBe(403);
      expect(await watching(inspector.url, ['dragoman.v1'], { origin })).toBe(403);
    }
    expect(await statusOf(`${inspector.url}/healthz`, { host, origin: inspector.url })).toBe(200);
    expect(await watching(inspector.url, ['dragoman.v1'], { origin: inspector.url })).toBe('open');
  });
});

describe('with a token', () => {
  test('everything but health needs it', async () => {
    const { get } = await inspected({ token: HTTP_TOKEN });
    expect((await get('/healthz')).status).toBe(200);
    for (const headers of [{}, bearer('x'), bearer(`${HTTP_TOKEN}x`), { authorization: HTTP_TOKEN }]) {
      const refused = await get('/nothing-there', headers);
      expect(refused.status).toBe(401);
      expect(refused.headers.get('www-authenticate')).toBe('Bearer');
      expect(problem.parse(await refused.json())).toMatchObject({ code: 'token_wrong' });
    }
    expect((await get('/nothing-there', bearer(HTTP_TOKEN))).status).toBe(404);
  });

  test('a browser brings it as a subprotocol, which is not said back', async () => {
    const { inspector } = await inspected({ token: HTTP_TOKEN });
    expect(await watching(inspector.url, ['dragoman.v1'])).toBe(401);
    expect(await watching(inspector.url, ['dragoman.v1', asProtocol('another')])).toBe(401);
    expect(await watching(inspector.url, ['dragoman.v1', asProtocol(HTTP_TOKEN)])).toBe('open');
    expect(await watching(inspector.url, [], bearer(HTTP_TOKEN))).toBe('open');
  });

  test('guessing ends after twenty times, for the right token too, and for this address alone', async () => {
    const { get } = await inspected({ token: HTTP_TOKEN });
    const statuses: number[] = [];
    for (let guess = 0; guess < 22; guess += 1)
      statuses.push((await get('/x', bearer(`guess ${guess}`))).status);
    expect(statuses.slice(0, 20)).toEqual(Array.from({ length: 20 }, () => 401));
    const refused = await get('/x', bearer(HTTP_TOKEN));
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(problem.parse(await refused.json())).toMatchObject({ code: 'rate_limited', retryable: true });
  });

  test('one who shows none, such as a scraper, locks nobody out', async () => {
    const { get } = await inspected({ token: HTTP_TOKEN });
    for (let call = 0; call < 22; call += 1) expect((await get('/metrics')).status).toBe(401);
    expect((await get('/x', bearer(HTTP_TOKEN))).status).toBe(404);
  });

  test('who floods the server does not flood the log', async () => {
    const { get, log } = await inspected({ token: HTTP_TOKEN });
    const statuses: number[] = [];
    for (let call = 0; call < 60; call += 1) statuses.push((await get('/x', bearer(`guess ${call}`))).status);
    const heard = statuses.filter((status) => status === 401);
    expect(heard.length).toBeLessThan(60);
    expect(
      log.lines.filter(({ level, message }) => level === 'warn' && message === 'request refused'),
    ).toHaveLength(heard.length);
  });

  test('is in no log line, and neither is what was guessed', async () => {
    const { get, log } = await inspected({ token: HTTP_TOKEN });
    await get('/x', bearer('my guess'));
    await get('/x', bearer(HTTP_TOKEN));
    const lines = JSON.stringify(log.lines);
    expect(lines).toContain('request refused');
    expect(lines).not.toContain(HTTP_TOKEN);
    expect(lines).not.toContain('my guess');
  });
});

describe('every reply', () => {
  test('forbids to be framed, sniffed, or to run what is not from here', async () => {
    const { get } = await inspected();
    for (const path of ['/healthz', '/nothing-there']) {
      const { headers } = await get(path);
      expect(headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('x-frame-options')).toBe('SAMEORIGIN');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('x-powered-by')).toBe(null);
      expect(headers.get('access-control-allow-origin')).toBe(null);
    }
  });

  test('is a problem document where it is not what was asked for', async () => {
    const { get } = await inspected();
    const reply = await get('/nothing-there');
    expect(reply.headers.get('content-type')).toContain('application/problem+json');
    expect(problem.parse(await reply.json())).toMatchObject({ status: 404, code: 'not_found' });
  });
});
