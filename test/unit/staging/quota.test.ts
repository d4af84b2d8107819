import { describe, expect, test } from 'vitest';
import { newGuid } from '../../../src/base/ids.ts';
import { quotaLimitBytes, StagingQuota } from '../../../src/staging/quota.ts';
import type { StagedFile } from '../../../src/staging/staging-folder.ts';

const GIB = 2 ** 30;
const fileOf = (guid: string, bytes: number): StagedFile => ({ guid, bytes, partial: false, modifiedAt: 0 });
const listing =
  (...files: StagedFile[]) =>
  () =>
    Promise.resolve(files);

const unreadable = () => Promise.reject(new Error('EIO'));

async function emptyQuota(bytes: number): Promise<StagingQuota> {
  const quota = new StagingQuota(bytes);
  await quota.reconcile(listing());
  return quota;
}

test.each([
  [25, 23],
  [3, 1],
  [2.5, 1],
  [1.5, 1],
  [1, 1],
  [0.25, 0.25],
])('a quota of %d GiB fills up to %d GiB', (quotaGib, limitGib) => {
  expect(quotaLimitBytes(quotaGib * GIB)).toBe(limitGib * GIB);
});

describe('StagingQuota', () => {
  test('R1: a reservation that does not fit changes nothing', async () => {
    const quota = await emptyQuota(100);
    const [first, second] = [newGuid(), newGuid()];
    expect(quota.reserve(first, 60)).toBe(true);
    expect(quota.reserve(second, 41)).toBe(false);
    expect(quota.reserve(second, 40)).toBe(true);
    expect(quota.reserve(second, 41)).toBe(false);
    expect(quota.reservedBytes).toBe(100);
  });

  test('a reservation grows with its file, and shrinks only when the file is complete', async () => {
    const quota = await emptyQuota(100);
    const guid = newGuid();
    quota.reserve(guid, 50);
    quota.reserve(guid, 10);
    expect(quota.reservedBytes).toBe(50);
    quota.reserve(guid, 70);
    expect(quota.reservedBytes).toBe(70);
    quota.settle(guid, 64);
    expect(quota.reservedBytes).toBe(64);
    quota.release(guid);
    quota.release(guid);
    expect(quota.reservedBytes).toBe(0);
  });

  test('R3: nothing fits before the folder was read; a later reading that fails changes nothing', async () => {
    const quota = new StagingQuota(100);
    await expect(quota.reconcile(unreadable)).rejects.toThrow('EIO');
    expect(quota.reserve(newGuid(), 1)).toBe(false);
    await quota.reconcile(listing(fileOf(newGuid(), 60)));
    await expect(quota.reconcile(unreadable)).rejects.toThrow('EIO');
    expect(quota.reservedBytes).toBe(60);
    expect(quota.reserve(newGuid(), 41)).toBe(false);
    expect(quota.reserve(newGuid(), 40)).toBe(true);
  });

  test('what lies in the folder counts, also above the limit', async () => {
    const quota = new StagingQuota(100);
    await quota.reconcile(listing(fileOf(newGuid(), 150)));
    expect(quota.reservedBytes).toBe(150);
    expect(quota.reserve(newGuid(), 0)).toBe(false);
  });

  test('a file that somebody else removed is given back when the folder is read again', async () => {
    const quota = new StagingQuota(100);
    const guid = newGuid();
    await quota.reconcile(listing(fileOf(guid, 80)));
    await quota.reconcile(listing());
    expect(quota.reservedBytes).toBe(0);
  });

  test('R4: reading the folder leaves growing files alone', async () => {
    const quota = await emptyQuota(100);
    const guid = newGuid();
    quota.reserve(guid, 80);
    await quota.reconcile(listing({ ...fileOf(guid, 8), partial: true }));
    expect(quota.reservedBytes).toBe(80);
    await quota.reconcile(listing());
    expect(quota.reservedBytes).toBe(80);
  });

  test('R4: a file completed while the folder was read keeps its reservation', async () => {
    const quota = await emptyQuota(100);
    const guid = newGuid();
    quota.reserve(guid, 80);
    await quota.reconcile(async () => {
      quota.settle(guid, 80);
      return [];
    });
    expect(quota.reservedBytes).toBe(80);
  });

  test('R4: a file taken up again while the folder was read keeps its reservation', async () => {
    const quota = await emptyQuota(100);
    const guid = newGuid();
    quota.settle(guid, 10);
    await quota.reconcile(async () => {
      quota.release(guid);
      quota.reserve(guid, 80);
      return [];
    });
    expect(quota.reservedBytes).toBe(80);
  });

  test('a lower quota refuses what comes and removes nothing', async () => {
    const quota = await emptyQuota(100);
    quota.reserve(newGuid(), 80);
    quota.setQuota(50);
    expect(quota.reservedBytes).toBe(80);
    expect(quota.reserve(newGuid(), 1)).toBe(false);
  });
});
