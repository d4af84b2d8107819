import { lstat, readdir } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ReceivedMessage } from '../../src/gateway/received.ts';
import { encryptMedia } from '../support/encrypted-media.ts';
import { type GatewayBench, gatewayBench } from '../support/gateway-bench.ts';
import { file } from '../support/media-server.ts';
import { received } from '../support/received-messages.ts';
import { mayMount, smallDisk } from '../support/small-disk.ts';

const GIB = 2 ** 30;
const DOWNLOADS = 50;
/** In the deep run as large as life; otherwise a fiftieth of it. */
const SCALE = process.env['DRAGOMAN_DEEP'] === '1' ? 1 : 50;
const FILE_BYTES = 20_000_000 / SCALE;
const QUOTA_GIB = 0.5 / SCALE;
const LIMIT_BYTES = Math.floor(QUOTA_GIB * GIB);
const FIT = Math.floor(LIMIT_BYTES / FILE_BYTES);

const NO_WAITING = { maxConcurrentDownloads: 16 };

/** Messages of one picture each, from as many chats; the host has them all. */
function pictures(bench: GatewayBench, count: number, series: string, declared: boolean): ReceivedMessage[] {
  const { ciphertext, reference } = encryptMedia(Buffer.alloc(FILE_BYTES, series));
  return Array.from({ length: count }, (_, index) => {
    const directPath = `/${series}/${index}`;
    bench.media.on(directPath, file(ciphertext));
    const declaredBytes = declared ? FILE_BYTES : null;
    const message = received(`${series}${index}`, { media: { ...reference, directPath, declaredBytes } });
    return { ...message, wire: { ...message.wire, sender: `${index}@lid` } };
  });
}

/** Looks at the folder again and again until `watched` is over; resolves to the most that was in it. */
async function mostBytesIn(dir: string, watched: Promise<unknown>): Promise<number> {
  const state = { over: false };
  const end = (): void => void (state.over = true);
  watched.then(end, end);
  let most = 0;
  while (!state.over) most = Math.max(most, await bytesIn(dir));
  return Math.max(most, await bytesIn(dir));
}

async function bytesIn(dir: string): Promise<number> {
  const names = (await readdir(dir)).filter((name) => !name.startsWith('.'));
  const sizes = await Promise.all(names.map((name) => lstat(path.join(dir, name)).catch(() => null)));
  return sizes.reduce((sum, found) => sum + (found?.size ?? 0), 0);
}

/** Resolves once every announced medium has come to its end. */
async function untilSettled({ backend }: GatewayBench, count: number): Promise<void> {
  await backend.until(
    () => backend.ofType('media.staged').length + backend.ofType('media.corrupt').length >= count,
  );
}

/** How many messages the backend was told of. */
function announcedBy({ backend }: GatewayBench): number {
  return new Set(backend.ofType('inbound').map(({ message }) => message.provider_message_id)).size;
}

function releaseAll({ backend }: GatewayBench): void {
  for (const { guid } of backend.ofType('media.staged')) backend.send({ type: 'media.released', guid });
}

describe(`${DOWNLOADS} downloads of ${FILE_BYTES / 1e6} MB against a quota of ${QUOTA_GIB} GiB`, () => {
  test.each([
    ['declared', true],
    ['not declared', false],
  ])(
    'length %s: never above it; the rest is corrupt for that reason; released space is used again',
    async (_how, declared) => {
      const bench = await gatewayBench();
      const { gateway, session } = await bench.startWithBot({ settings: NO_WAITING });
      const config = { media_storage_quota_gb: QUOTA_GIB };
      bench.backend.send({ type: 'bot.start', bot_id: 'bot', config });
      await expect.poll(() => gateway.snapshot().stagingLimitBytes).toBeLessThanOrEqual(LIMIT_BYTES + 1);
      const settled = untilSettled(bench, DOWNLOADS);
      const watching = mostBytesIn(path.join(bench.dir, 'staging'), settled);
      await session.receive(...pictures(bench, DOWNLOADS, 'first', declared));
      expect(await watching).toBeLessThanOrEqual(LIMIT_BYTES);

      const staged = bench.backend.ofType('media.staged');
      const corrupt = bench.backend.ofType('media.corrupt');
      if (declared) expect(staged).toHaveLength(FIT);
      // Those that grow side by side may each find the last room taken.
      else expect(staged.length).toBeGreaterThan(FIT - NO_WAITING.maxConcurrentDownloads);
      expect(staged.length + corrupt.length).toBe(DOWNLOADS);
      expect(corrupt.filter((frame) => !frame.quota_exceeded)).toEqual([]);
      expect(gateway.snapshot().stagedBytes).toBe(staged.length * FILE_BYTES);
      expect(await bench.staged()).toHaveLength(staged.length);

      releaseAll(bench);
      await expect.poll(() => gateway.snapshot().stagedBytes).toBe(0);
      await expect.poll(bench.staged).toEqual([]);
      await session.receive(...pictures(bench, 5, 'second', declared));
      await untilSettled(bench, DOWNLOADS + 5);
      expect(bench.backend.ofType('media.staged')).toHaveLength(staged.length + 5);
    },
  );
});

describe.skipIf(!mayMount)('a disk that is full', () => {
  const DISK_BYTES = Math.floor(FILE_BYTES * 10.5);

  test('of media: what fits is staged, the rest is corrupt for want of space, and space that comes back is used', async () => {
    const bench = await gatewayBench();
    const stagingFolder = await smallDisk(DISK_BYTES);
    const { gateway, session } = await bench.startWithBot({ stagingFolder, settings: NO_WAITING });
    await session.receive(...pictures(bench, DOWNLOADS, 'first', true));
    await untilSettled(bench, DOWNLOADS);
    const staged = bench.backend.ofType('media.staged');
    expect(staged.length).toBeGreaterThan(0);
    const corrupt = bench.backend.ofType('media.corrupt');
    expect(new Set(corrupt.map(({ reason }) => reason))).toEqual(new Set(['no_space: ENOSPC']));
    expect(await bytesIn(stagingFolder)).toBe(staged.length * FILE_BYTES);

    releaseAll(bench);
    await expect.poll(() => gateway.snapshot().stagedBytes).toBe(0);
    await session.receive(...pictures(bench, 1, 'second', true));
    await untilSettled(bench, DOWNLOADS + 1);
    expect(bench.backend.ofType('media.staged')).toHaveLength(staged.length + 1);
  });

  test('of everything: what cannot be journalled is not taken from WhatsApp; once there is space it goes on', async () => {
    const bench = await gatewayBench();
    const disk = await smallDisk(DISK_BYTES);
    const folders = { stagingFolder: path.join(disk, 'staging'), dataFolder: path.join(disk, 'data') };
    const { gateway, session } = await bench.startWithBot(folders);
    const media = 20;
    await session.receive(...pictures(bench, media, 'first', true));
    await bench.backend.untilFrames('media.staged');
    await expect.poll(() => gateway.snapshot().runningDownloads, { timeout: 20_000 }).toBe(0);
    let journalled = 0;
    const refused = async (): Promise<boolean> => {
      const text = received(`filler ${journalled}`, { text: 'x'.repeat(50_000) });
      return session.receive(text).then(
        () => {
          journalled += 1;
          return false;
        },
        () => true,
      );
    };
    bench.backend.answer = () => null;
    while (!(await refused()));
    expect(gateway.snapshot().connected).toBe(true);

    bench.backend.answer = ({ seq }) => ({ type: 'ack', seq });
    bench.backend.cut();
    await expect
      .poll(
        async () => {
          releaseAll(bench);
          return refused();
        },
        { timeout: 30_000 },
      )
      .toBe(false);
    // What is staged fills the disk again unless it is taken, and a message makes the gateway try again at once.
    await expect
      .poll(
        async () => {
          releaseAll(bench);
          await refused();
          return bench.backend.ofType('media.staged').length + bench.backend.ofType('media.corrupt').length;
        },
        { timeout: 60_000 },
      )
      .toBeGreaterThanOrEqual(media);
    await bench.backend.until(() => announcedBy(bench) >= media + journalled);
    expect(announcedBy(bench)).toBe(media + journalled);
  });
});
