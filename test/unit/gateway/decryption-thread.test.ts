import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  DecryptionThread,
  type ThreadedDecryption,
} from '../../../src/gateway/decryption/decryption-thread.ts';
import { downloadBench } from '../../support/download-bench.ts';
import { encryptMedia } from '../../support/encrypted-media.ts';
import { file } from '../../support/media-server.ts';

const MIB = 2 ** 20;

function decryptionThread(): DecryptionThread {
  const thread = new DecryptionThread();
  onTestFinished(() => thread.close());
  return thread;
}

/** Everything that comes out of it, when `bytes` go in piece by piece. */
async function decrypted(decryption: ThreadedDecryption, bytes: Buffer, pieceBytes: number) {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    pieces.push(await decryption.update(bytes.subarray(at, at + pieceBytes)));
  }
  const { rest, end } = await decryption.end();
  const plain = Buffer.concat([...pieces, ...rest, ...(end.kind === 'intact' ? [end.lastBytes] : [])]);
  return { plain, end };
}

describe('a file in the thread', () => {
  test.each([1_000, 65_536, 512 * 1024, 3 * MIB])('comes out whole in pieces of %d bytes', async (piece) => {
    const { plain, ciphertext, reference } = encryptMedia(randomBytes(3 * MIB + 17));
    const out = await decrypted(decryptionThread().begin(reference), ciphertext, piece);
    expect(out.end).toMatchObject({
      kind: 'intact',
      sha256: createHash('sha256').update(plain).digest('hex'),
    });
    expect(out.plain.equals(plain)).toBe(true);
  });

  test('that is damaged is told from one beside it that is not', async () => {
    const thread = decryptionThread();
    const { ciphertext, reference } = encryptMedia(randomBytes(2 * MIB));
    const flipped = Buffer.from(ciphertext);
    flipped.writeUInt8(flipped.readUInt8(MIB) ^ 1, MIB);
    const [good, bad] = await Promise.all(
      [ciphertext, flipped].map((bytes) => decrypted(thread.begin(reference), bytes, 65_536)),
    );
    expect(good?.end.kind).toBe('intact');
    expect(bad?.end).toEqual({ kind: 'damaged', reason: 'bad_mac' });
  });

  test('H3: fails when the thread dies, and H1: the next one has another', async () => {
    const thread = decryptionThread();
    const { ciphertext, reference } = encryptMedia(randomBytes(MIB));
    const doomed = thread.begin(reference);
    thread.begin(Object.assign({}, reference, { cipher: 'none that there is' }));
    await expect(decrypted(doomed, ciphertext, 65_536)).rejects.toMatchObject({ code: 'worker_died' });
    expect((await decrypted(thread.begin(reference), ciphertext, 65_536)).end.kind).toBe('intact');
  });

  test('fails when the gateway stops; none begins after that', async () => {
    const thread = decryptionThread();
    const { ciphertext, reference } = encryptMedia(randomBytes(MIB));
    const cut = thread.begin(reference);
    await thread.close();
    await expect(decrypted(cut, ciphertext, 65_536)).rejects.toMatchObject({ code: 'worker_died' });
    expect(() => thread.begin(reference)).toThrow('expected a running gateway');
  });
});

describe('a large download', () => {
  test('is staged whole, by way of the thread', async () => {
    const bench = await downloadBench({ thread: decryptionThread() });
    const { plain, ciphertext, reference } = encryptMedia(randomBytes(5 * MIB));
    bench.server.on('/file.enc', file(ciphertext));
    expect(await bench.download(reference)).toMatchObject({ kind: 'staged', bytes: plain.length });
    expect(Object.values(await bench.files())).toEqual([plain.toString('base64')]);
  });

  test('that ends early leaves nothing', async () => {
    const bench = await downloadBench({ thread: decryptionThread() });
    const { ciphertext, reference } = encryptMedia(randomBytes(5 * MIB));
    bench.server.on('/file.enc', (response) => response.end(ciphertext.subarray(0, 4 * MIB)));
    expect(await bench.download(reference)).toMatchObject({ kind: 'failed' });
    expect(await bench.files()).toEqual({});
    expect(bench.quota.reservedBytes).toBe(0);
  });

  test('whose thread cannot start is staged all the same, leaves nothing open, and says why', async () => {
    const thread = decryptionThread();
    const bench = await downloadBench({ thread });
    await thread.close();
    const { plain, ciphertext, reference } = encryptMedia(randomBytes(5 * MIB));
    bench.server.on('/file.enc', file(ciphertext));
    expect(await bench.download(reference)).toMatchObject({ kind: 'staged', bytes: plain.length });
    expect(Object.values(await bench.files())).toEqual([plain.toString('base64')]);
    expect(bench.log.lines).toMatchObject([
      {
        level: 'warn',
        fields: { reason: expect.stringContaining('expected a running gateway to decrypt for') },
      },
    ]);
  });

  test('whose thread dies has failed, and may be tried again', async () => {
    const thread = decryptionThread();
    const bench = await downloadBench({ thread });
    const { ciphertext, reference } = encryptMedia(randomBytes(5 * MIB));
    const begin = thread.begin.bind(thread);
    bench.server.on('/file.enc', (response) => {
      // Not before the thread has this download: it would have another one then.
      vi.spyOn(thread, 'begin').mockImplementation((proof) => {
        const decryption = begin(proof);
        begin(Object.assign({}, reference, { cipher: 'none that there is' }));
        response.end(ciphertext.subarray(MIB));
        return decryption;
      });
      response.write(ciphertext.subarray(0, MIB));
    });
    expect(await bench.download(reference)).toMatchObject({ kind: 'failed', reason: 'decryption' });
    expect(await bench.files()).toEqual({});
  });
});

test('a connection that the host closes as it is used again costs no attempt', async () => {
  const bench = await downloadBench();
  const { ciphertext, reference } = encryptMedia(randomBytes(1_000));
  bench.server.on('/file.enc', file(ciphertext));
  expect(await bench.download(reference)).toMatchObject({ kind: 'staged' });
  let isFirst = true;
  bench.server.on('/file.enc', (response, request) => {
    if (!isFirst) return file(ciphertext)(response, request);
    isFirst = false;
    request.socket.destroy();
  });
  expect(await bench.download(reference)).toMatchObject({ kind: 'staged' });
});
