import { createHash, randomBytes } from 'node:crypto';
import { readFile, rm, unlink } from 'node:fs/promises';
import { encryptedStream } from '@whiskeysockets/baileys';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { MediaReference } from '../../../src/gateway/received.ts';
import { type DownloadBench, downloadBench } from '../../support/download-bench.ts';
import { encryptMedia } from '../../support/encrypted-media.ts';
import { file, type Serve, status } from '../../support/media-server.ts';

const PLAIN = randomBytes(100_000);

/** W1: a download that fails leaves no file, no reservation and no timer. */
async function expectNothingLeft(bench: DownloadBench): Promise<void> {
  expect(await bench.files()).toEqual({});
  expect(bench.quota.reservedBytes).toBe(0);
  expect(bench.clock.pendingTimers).toBe(0);
}

describe('a download that works', () => {
  test.each([0, 1, 15, 16, 17, 65_536, 1_000_003])('stages a file of %d bytes, whole', async (length) => {
    const bench = await downloadBench();
    const { plain, ciphertext, reference } = encryptMedia(randomBytes(length));
    bench.server.on('/file.enc', file(ciphertext));
    const outcome = await bench.download(reference);
    expect(outcome).toEqual({
      kind: 'staged',
      bytes: length,
      sha256: createHash('sha256').update(plain).digest('hex'),
    });
    expect(Object.values(await bench.files())).toEqual([plain.toString('base64')]);
    expect(bench.quota.reservedBytes).toBe(length);
    expect(bench.clock.pendingTimers).toBe(0);
  });

  test.each(['image', 'video', 'ptv', 'audio', 'document', 'sticker'] as const)(
    'decrypts what Baileys encrypts as %s',
    async (cipher) => {
      const bench = await downloadBench();
      const sealed = await encryptedStream(PLAIN, cipher);
      onTestFinished(() => unlink(sealed.encFilePath));
      bench.server.on('/v/x', file(await readFile(sealed.encFilePath)));
      const outcome = await bench.download({
        kind: 'image',
        cipher,
        mimeType: 'image/jpeg',
        fileName: null,
        mediaKey: Buffer.from(sealed.mediaKey).toString('base64'),
        directPath: '/v/x?ccb=1&oh=2',
        fileSha256: Buffer.from(sealed.fileSha256 ?? []).toString('base64'),
        fileEncSha256: Buffer.from(sealed.fileEncSha256).toString('base64'),
        declaredBytes: sealed.fileLength,
      });
      expect(outcome).toMatchObject({ kind: 'staged', bytes: PLAIN.length });
    },
  );

  test('a body that comes byte by byte is put together', async () => {
    const bench = await downloadBench();
    const { plain, ciphertext, reference } = encryptMedia(Buffer.from('a voice note'));
    bench.server.on('/file.enc', (response) => {
      const drip = (at: number): void => {
        if (at === ciphertext.length) response.end();
        else response.write(ciphertext.subarray(at, at + 1), () => setImmediate(drip, at + 1));
      };
      drip(0);
    });
    expect(await bench.download(reference)).toMatchObject({ kind: 'staged', bytes: plain.length });
  });

  test('without hashes in the message, MAC and declared length are proof enough', async () => {
    const bench = await downloadBench();
    const { ciphertext, reference } = encryptMedia(PLAIN, { fileSha256: null, fileEncSha256: null });
    bench.server.on('/file.enc', file(ciphertext));
    expect(await bench.download(reference)).toMatchObject({ kind: 'staged' });
  });

  test('a wrong hash of the ciphertext does not matter where MAC and hash of the file are right', async () => {
    const bench = await downloadBench();
    const { ciphertext, reference } = encryptMedia(PLAIN, {
      fileEncSha256: Buffer.alloc(32).toString('base64'),
    });
    bench.server.on('/file.enc', file(ciphertext));
    expect(await bench.download(reference)).toMatchObject({ kind: 'staged' });
  });

  test('a wrong declared length does not matter where the hash of the file is right', async () => {
    const bench = await downloadBench();
    const { ciphertext, reference } = encryptMedia(PLAIN, { declaredBytes: 3 });
    bench.server.on('/file.enc', file(ciphertext));
    expect(await bench.download(reference)).toMatchObject({ kind: 'staged', bytes: PLAIN.length });
    expect(bench.quota.reservedBytes).toBe(PLAIN.length);
  });
});

const half = (body: Buffer): Buffer => body.subarray(0, body.length / 2);
const flipped = (body: Buffer, at: number): Buffer => {
  const copy = Buffer.from(body);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
};

describe('a download that fails leaves nothing', () => {
  const cases: readonly [name: string, reason: string, serve: (body: Buffer) => Serve][] = [
    ['404', 'gone', () => status(404)],
    ['410', 'gone', () => status(410)],
    ['403', 'gone', () => status(403)],
    ['500', 'http', () => status(500)],
    ['429', 'http', () => status(429, { 'retry-after': '60' })],
    ['206 with a part of it', 'http', (body) => (response) => response.writeHead(206).end(half(body))],
    ['204 without a body', 'http', () => status(204)],
    ['an empty body', 'truncated', () => file(Buffer.alloc(0))],
    ['a body of its MAC alone', 'truncated', (body) => file(body.subarray(-10))],
    ['a body cut within a block', 'truncated', (body) => file(body.subarray(0, -11))],
    ['a body cut at a block', 'bad_mac', (body) => file(body.subarray(0, -16))],
    ['a flipped bit', 'bad_mac', (body) => file(flipped(body, 7))],
    ['a flipped bit of the MAC', 'bad_mac', (body) => file(flipped(body, body.length - 1))],
    [
      'a connection reset in the middle',
      'network',
      (body) => (response) => {
        response.writeHead(200, { 'content-length': body.length });
        response.write(half(body), () => response.destroy());
      },
    ],
    [
      'a chunked body that ends early',
      'bad_mac',
      (body) => (response) => response.writeHead(200).end(body.subarray(0, 16 * 100 + 10)),
    ],
    [
      'a content-length that says too much',
      'too_large',
      () => (response) => response.writeHead(200, { 'content-length': 2 ** 40 }).write('x'),
    ],
  ];

  test.each(cases)('%s: %s', async (_name, reason, serve) => {
    const bench = await downloadBench();
    const { ciphertext, reference } = encryptMedia(PLAIN);
    bench.server.on('/file.enc', serve(ciphertext));
    expect(await bench.download(reference)).toMatchObject({ kind: 'failed', reason });
    await expectNothingLeft(bench);
  });

  const lies: readonly [name: string, reason: string, Partial<MediaReference>][] = [
    ['the hash of another file', 'bad_hash', { fileSha256: Buffer.alloc(32).toString('base64') }],
    [
      'the hash of another ciphertext, and none of the file',
      'bad_hash',
      { fileSha256: null, fileEncSha256: Buffer.alloc(32).toString('base64') },
    ],
    ['another key', 'bad_mac', { mediaKey: Buffer.alloc(32).toString('base64') }],
    ['another kind of key', 'bad_mac', { cipher: 'document' }],
    ['no key', 'bad_reference', { mediaKey: null }],
    ['a short key', 'bad_reference', { mediaKey: 'AAAA' }],
    ['a wrong length and no hash', 'bad_content', { fileSha256: null, declaredBytes: 3 }],
    ['a length above the cap', 'too_large', { declaredBytes: 11 * 2 ** 20 }],
  ];

  test.each(lies)('the message tells %s: %s', async (_name, reason, lie) => {
    const bench = await downloadBench();
    const { ciphertext, reference } = encryptMedia(PLAIN, lie);
    bench.server.on('/file.enc', file(ciphertext));
    expect(await bench.download(reference)).toMatchObject({ kind: 'failed', reason });
    await expectNothingLeft(bench);
  });

  test('a redirect is not followed', async () => {
    const bench = await downloadBench();
    const { ciphertext, reference } = encryptMedia(PLAIN);
    bench.server.on('/elsewhere', file(ciphertext));
    bench.server.on('/file.enc', status(302, { location: '/elsewhere' }));
    expect(await bench.download(reference)).toMatchObject({ reason: 'http', detail: 'status 302' });
    expect(bench.server.requests).toEqual(['/file.enc']);
    await expectNothingLeft(bench);
  });

  test.each([
    null,
    '',
    'file.enc',
    '//evil.example/x',
    '/\\evil.example/x',
    '@evil.example/x',
    '.evil.example/x',
    'http://evil.example/x',
    '/@evil.example',
    '\t//evil.example',
    '/\t/evil.example',
    '///evil.example/x',
    '//[::ffff:127.0.0.1]/x',
    '//[::ffff:7f00:1]/x',
    '//169.254.169.254/latest',
    '//2130706433/x',
  ])('W4: a path like %j is not asked for', async (directPath) => {
    const bench = await downloadBench();
    const { reference } = encryptMedia(PLAIN, { directPath });
    expect(await bench.download(reference)).toMatchObject({ kind: 'failed', reason: 'bad_reference' });
    expect(bench.server.requests).toEqual([]);
    await expectNothingLeft(bench);
  });

  test('nobody listens', async () => {
    const bench = await downloadBench();
    const { reference } = encryptMedia(PLAIN);
    await bench.server.close();
    expect(await bench.download(reference)).toMatchObject({ kind: 'failed', reason: 'network' });
    await expectNothingLeft(bench);
  });

  test('W3: an endless body ends at the cap', async () => {
    const bench = await downloadBench({ maxFileBytes: 300_000 });
    const { reference } = encryptMedia(PLAIN);
    bench.server.on('/file.enc', (response) => {
      const more = (): void => {
        if (!response.destroyed) response.write(Buffer.alloc(65_536), more);
      };
      more();
    });
    expect(await bench.download(reference)).toMatchObject({ kind: 'failed', reason: 'too_large' });
    await expectNothingLeft(bench);
  });

  test('W3: the quota is asked with the declared length before anything is requested', async () => {
    const bench = await downloadBench({ quotaBytes: 99_999 });
    const { reference } = encryptMedia(PLAIN);
    expect(await bench.download(reference)).toMatchObject({ kind: 'failed', reason: 'quota' });
    expect(bench.server.requests).toEqual([]);
    await expectNothingLeft(bench);
  });

  test('W3: the quota stops a file that declares less than it is', async () => {
    const bench = await downloadBench({ quotaBytes: 50_000 });
    const { ciphertext, reference } = encryptMedia(PLAIN, { declaredBytes: 10 });
    bench.server.on('/file.enc', file(ciphertext));
    expect(await bench.download(reference)).toMatchObject({ kind: 'failed', reason: 'quota' });
    await expectNothingLeft(bench);
  });

  test('the folder does not take the file', async () => {
    const bench = await downloadBench();
    const { ciphertext, reference } = encryptMedia(PLAIN);
    bench.server.on('/file.enc', file(ciphertext));
    await rm(bench.folder.dir, { recursive: true });
    expect(await bench.download(reference)).toMatchObject({ kind: 'failed', reason: 'disk' });
    expect(bench.quota.reservedBytes).toBe(0);
  });
});

describe('a download that hangs ends', () => {
  const stalls: readonly [name: string, Serve][] = [
    ['before the first byte', () => {}],
    [
      'in the middle',
      (response) => response.writeHead(200, { 'content-length': 1_000 }).write('x'.repeat(500)),
    ],
  ];

  test.each(stalls)('W2: silent %s: idle', async (_name, serve) => {
    const bench = await downloadBench();
    const { reference } = encryptMedia(PLAIN);
    bench.server.on('/file.enc', serve);
    const asked = bench.server.nextRequest();
    const download = bench.download(reference);
    await asked;
    bench.clock.advance(2_000);
    expect(await download).toMatchObject({ kind: 'failed', reason: 'idle' });
    await expectNothingLeft(bench);
  });

  test('W2: a drip that never ends: timeout', async () => {
    const bench = await downloadBench({ idleTimeoutMs: 120_000 });
    const { reference } = encryptMedia(PLAIN);
    bench.server.on('/file.enc', (response) => response.writeHead(200).write('x'));
    const asked = bench.server.nextRequest();
    const download = bench.download(reference);
    await asked;
    bench.clock.advance(60_000);
    expect(await download).toMatchObject({ kind: 'failed', reason: 'timeout' });
    await expectNothingLeft(bench);
  });

  test('W2: withdrawn while it runs, and before it began: aborted', async () => {
    const bench = await downloadBench();
    const { reference } = encryptMedia(PLAIN);
    bench.server.on('/file.enc', (response) => response.writeHead(200).write('x'.repeat(500)));
    const controller = new AbortController();
    const asked = bench.server.nextRequest();
    const download = bench.download(reference, controller.signal);
    await asked;
    controller.abort();
    expect(await download).toMatchObject({ kind: 'failed', reason: 'aborted' });
    expect(await bench.download(reference, controller.signal)).toMatchObject({ reason: 'aborted' });
    await expectNothingLeft(bench);
  });
});
