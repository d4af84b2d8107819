import { createHash, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { newGuid } from '../../src/base/ids.ts';
import { downloadMedia } from '../../src/gateway/download.ts';
import { MediaDecryption } from '../../src/gateway/decryption/media-decryption.ts';
import { downloadBench } from '../support/download-bench.ts';
import { encryptMedia } from '../support/encrypted-media.ts';
import { file, MediaServer } from '../support/media-server.ts';
import { runs } from '../support/property-runs.ts';

const NEVER = new AbortController().signal;

/** Something that may happen to a ciphertext on its way. */
const damage = fc.oneof(
  fc.record({ kind: fc.constant('cut' as const), at: fc.nat() }),
  fc.record({ kind: fc.constant('flip' as const), at: fc.nat(), bit: fc.nat({ max: 7 }) }),
  fc.record({ kind: fc.constant('grow' as const), by: fc.uint8Array({ minLength: 1, maxLength: 40 }) }),
  fc.record({ kind: fc.constant('drop' as const), at: fc.nat(), length: fc.integer({ min: 1, max: 40 }) }),
  fc.record({ kind: fc.constant('none' as const) }),
);
type Damage = typeof damage extends fc.Arbitrary<infer D> ? D : never;

function inflict(body: Buffer, change: Damage): Buffer {
  switch (change.kind) {
    case 'cut':
      return body.subarray(0, change.at % (body.length + 1));
    case 'flip': {
      const copy = Buffer.from(body);
      const at = change.at % copy.length;
      copy[at] = (copy[at] ?? 0) ^ (1 << change.bit);
      return copy;
    }
    case 'grow':
      return Buffer.concat([body, change.by]);
    case 'drop': {
      const at = change.at % body.length;
      return Buffer.concat([body.subarray(0, at), body.subarray(at + change.length)]);
    }
    case 'none':
      return body;
  }
}

test('W1: whatever happens to the bytes, only the right file is ever staged, and nothing else is left', async () => {
  const bench = await downloadBench();
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 300 }),
      fc.array(damage, { maxLength: 3 }),
      async (bytes, damages) => {
        const { plain, ciphertext, reference } = encryptMedia(Buffer.from(bytes));
        const body = damages.reduce(inflict, ciphertext);
        bench.server.on('/file.enc', file(body));
        const outcome = await bench.download(reference);
        expect(outcome.kind).toBe(body.equals(ciphertext) ? 'staged' : 'failed');
        const files = Object.entries(await bench.files());
        expect(files.map(([, content]) => content)).toEqual(
          outcome.kind === 'staged' ? [plain.toString('base64')] : [],
        );
        for (const [guid] of files) {
          await bench.folder.remove(guid);
          bench.quota.release(guid);
        }
        expect(bench.quota.reservedBytes).toBe(0);
      },
    ),
    { numRuns: 300 },
  );
});

test('W4: wherever a crafted path points, only the media host is asked, and at most once', async () => {
  const bench = await downloadBench();
  const elsewhere = await MediaServer.start();
  onTestFinished(() => elsewhere.close());
  const { host, port } = new URL(elsewhere.origin);
  const fragment = fc.oneof(
    fc.constantFrom('/', '//', '\\', '@', ':', '.', '..', '?', '#', '%2f', '\t', '\n', '\0', ' '),
    fc.constantFrom(host, `:${port}`, `[::ffff:127.0.0.1]:${port}`, `[::1]:${port}`, `0x7f.1:${port}`),
    fc.constantFrom('http:', 'https:', 'file:', 'javascript:', elsewhere.origin, 'user:pass@', 'x'),
  );
  const crafted = fc.tuple(fc.constantFrom('', '/'), fc.array(fragment, { maxLength: 7 }));
  await fc.assert(
    fc.asyncProperty(crafted, async ([start, fragments]) => {
      bench.server.requests.length = 0;
      const { reference } = encryptMedia(Buffer.from('x'), { directPath: start + fragments.join('') });
      expect(await bench.download(reference)).toMatchObject({ kind: 'failed' });
      expect(bench.server.requests.length).toBeLessThanOrEqual(1);
      expect(elsewhere.requests).toEqual([]);
    }),
    { numRuns: runs(300) },
  );
});

test('D3: how the bytes are split into chunks changes nothing', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
      (bytes, sizes) => {
        const { plain, ciphertext, reference } = encryptMedia(Buffer.from(bytes));
        const decryption = MediaDecryption.begin(reference);
        const pieces: Uint8Array[] = [];
        for (let at = 0, turn = 0; at < ciphertext.length; turn += 1) {
          const size = sizes[turn % sizes.length] ?? 1;
          pieces.push(decryption?.update(ciphertext.subarray(at, at + size)) ?? Buffer.alloc(0));
          at += size;
        }
        const end = decryption?.end();
        expect(end).toMatchObject({
          kind: 'intact',
          sha256: createHash('sha256').update(plain).digest('hex'),
        });
        if (end?.kind === 'intact') pieces.push(end.lastBytes);
        expect(Buffer.concat(pieces)).toEqual(plain);
      },
    ),
  );
});

test('R1: downloads that run together never take the folder above its limit, by not one byte', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ bytes: fc.nat({ max: 60_000 }), declared: fc.option(fc.nat({ max: 60_000 })) }), {
        minLength: 2,
        maxLength: 24,
      }),
      fc.integer({ min: 1, max: 200_000 }),
      async (media, quotaBytes) => {
        const bench = await downloadBench({ quotaBytes });
        const onDisk = async (): Promise<number> =>
          (await bench.folder.list()).reduce((sum, { bytes }) => sum + bytes, 0);
        const running = media.map(({ bytes, declared }, index) => {
          const { ciphertext, reference } = encryptMedia(randomBytes(bytes), {
            directPath: `/${index}`,
            declaredBytes: declared,
          });
          bench.server.on(`/${index}`, (response) => {
            response.write(ciphertext.subarray(0, ciphertext.length / 2), () =>
              response.end(ciphertext.subarray(ciphertext.length / 2)),
            );
          });
          const target = {
            folder: bench.folder,
            quota: bench.quota,
            limits: { maxFileBytes: 2 ** 20, idleTimeoutMs: 60_000, downloadTimeoutMs: 60_000 },
            clock: bench.clock,
            log: bench.log,
          };
          return downloadMedia(
            { guid: newGuid(), media: reference, origin: bench.server.origin },
            target,
            NEVER,
          );
        });
        const progress = { over: false };
        const all = Promise.all(running).finally(() => (progress.over = true));
        while (!progress.over) expect(await onDisk()).toBeLessThanOrEqual(quotaBytes);
        const staged = (await all).reduce((sum, one) => sum + (one.kind === 'staged' ? one.bytes : 0), 0);
        expect(await onDisk()).toBe(staged);
        expect(bench.quota.reservedBytes).toBe(staged);
        await bench.server.close();
      },
    ),
    { numRuns: 25 },
  );
});
