import { proto } from '@whiskeysockets/baileys';
import { expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { compose, contentSchema, findMedium } from '../../../src/simulator/content.ts';
import { MediaHost } from '../../../src/simulator/media-host.ts';
import { makeSampleMedia, SAMPLE_KINDS } from '../../../src/simulator/sample-media.ts';
import { SeededRandom } from '../../../src/simulator/seeded-random.ts';

const FIRST_BYTES = {
  image: [0xff, 0xd8, 0xff],
  voice: [...Buffer.from('OggS')],
  video: [0, 0, 0, 28, ...Buffer.from('ftyp')],
  document: [...Buffer.from('%PDF-')],
  sticker: [...Buffer.from('RIFF')],
};

test.each(SAMPLE_KINDS)('a sample %s begins as its type says, at any length', (kind) => {
  const magic = FIRST_BYTES[kind];
  expect([...makeSampleMedia(kind).bytes.subarray(0, magic.length)]).toEqual(magic);
  const long = makeSampleMedia(kind, { minBytes: 5_000 });
  expect(long.bytes).toHaveLength(5_000);
  expect([...long.bytes.subarray(0, magic.length)]).toEqual(magic);
});

test('wrong_hash: the message declares hashes that the served file does not have', async () => {
  const host = new MediaHost(systemClock());
  const content = { image: 100, fault: { kind: 'wrong_hash' } } as const;
  const honest = await compose({ image: 100 }, host, new SeededRandom('s', 'n'));
  const lying = await compose(content, host, new SeededRandom('s', 'n'));
  expect(lying.sha256).not.toBe(honest.sha256);
  expect(lying.message.imageMessage?.fileLength).toEqual(honest.message.imageMessage?.fileLength);
});

test('a medium is found inside any wrapper', () => {
  const imageMessage = { mediaKey: Buffer.alloc(32, 1), directPath: '/v/x.enc' };
  const wrapped = proto.Message.fromObject({
    ephemeralMessage: { message: { viewOnceMessageV2: { message: { imageMessage } } } },
  });
  expect(findMedium(wrapped)?.directPath).toBe('/v/x.enc');
  expect(findMedium(proto.Message.fromObject({ conversation: 'no medium' }))).toBeNull();
});

test('content that says nothing is refused', () => {
  expect(contentSchema.safeParse({ caption: 'of what?' }).success).toBe(false);
  expect(contentSchema.safeParse({ image: -1 }).success).toBe(false);
  expect(contentSchema.safeParse({ image: 10, fault: { kind: 'gremlins' } }).success).toBe(false);
});

const take = (seed: string, name: string) => new SeededRandom(seed, name).messageId();

test('streams of one seed and different names are different, and each repeats', () => {
  expect(take('s', 'Ana')).toBe(take('s', 'Ana'));
  expect(take('s', 'Ana')).not.toBe(take('s', 'Bruno'));
  expect(take('s', 'Ana')).not.toBe(take('t', 'Ana'));
  expect(take('s', 'Ana')).toMatch(/^3A[0-9A-F]{18}$/);
});
