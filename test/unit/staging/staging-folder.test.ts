import { type FileHandle, mkdir, open, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { newGuid } from '../../../src/base/ids.ts';
import { openStagingFolder } from '../../../src/staging/staging-folder.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

const MIB = 2 ** 20;
const GUID = '7c9e6679-7425-40de-944b-e07fc1f90ae7';

describe('openStagingFolder', () => {
  test('a folder that is missing is made for this user alone', async () => {
    const dir = path.join(await scratchFolder(), 'a', 'b');
    await openStagingFolder(dir);
    expect((await stat(dir)).mode & 0o777).toBe(0o700);
  });

  test('a folder that exists keeps its mode', async () => {
    const dir = path.join(await scratchFolder(), 'shared');
    await mkdir(dir, { mode: 0o750 });
    await openStagingFolder(dir);
    expect((await stat(dir)).mode & 0o777).toBe(0o750);
  });

  test('a path that cannot be a folder is refused, with what to do', async () => {
    const file = path.join(await scratchFolder(), 'file');
    await writeFile(file, '');
    await expect(openStagingFolder(file)).rejects.toMatchObject({
      code: 'folder_unusable',
      message: expect.stringContaining('configure another folder'),
    });
  });
});

describe('StagingFolder', () => {
  test.each([
    '',
    '.',
    '..',
    '../etc/passwd',
    `../${GUID}`,
    `${GUID}/..`,
    `${GUID}/x`,
    `${GUID}\0`,
    `${GUID}\n`,
    GUID.toUpperCase(),
    `${GUID}.part`,
    `/${GUID}`,
  ])('F1: %j names no file', async (name) => {
    const folder = await openStagingFolder(await scratchFolder());
    expect(() => folder.pathOf(name)).toThrow(expect.objectContaining({ code: 'invariant_broken' }));
  });

  test('F2: a file has its name only once it is published', async () => {
    const folder = await openStagingFolder(await scratchFolder());
    const part = await folder.create(GUID);
    await part.write(Buffer.from('half'));
    expect(await readdir(folder.dir)).toEqual([`${GUID}.part`]);
    await part.write(Buffer.from('whole'));
    await part.publish();
    expect(await readdir(folder.dir)).toEqual([GUID]);
    expect(await readFile(folder.pathOf(GUID), 'utf8')).toBe('halfwhole');
    expect((await stat(folder.pathOf(GUID))).mode & 0o777).toBe(0o640);
  });

  test('P2: a file is not published when an early sync failed, whatever later ones say', async () => {
    const folder = await openStagingFolder(await scratchFolder());
    const part = await folder.create(GUID);
    const some = await open(path.join(await scratchFolder(), 'some'), 'w');
    onTestFinished(() => some.close());
    const prototype: FileHandle = Object.getPrototypeOf(some);
    const sync = vi.spyOn(prototype, 'datasync').mockRejectedValueOnce(new Error('EIO: i/o error'));
    onTestFinished(() => sync.mockRestore());
    for (let mib = 0; mib < 40; mib += 4) {
      await part.write(Buffer.alloc(4 * MIB));
      await setImmediate();
    }
    await expect(part.publish()).rejects.toThrow('EIO');
    await part.discard();
    expect(await readdir(folder.dir)).toEqual([]);
  });

  test('P1: discarding removes the part, and nothing of a published file', async () => {
    const folder = await openStagingFolder(await scratchFolder());
    const [kept, dropped] = [newGuid(), newGuid()];
    const published = await folder.create(kept);
    await published.publish();
    await published.discard();
    const discarded = await folder.create(dropped);
    await discarded.write(Buffer.from('x'));
    await discarded.discard();
    expect(await readdir(folder.dir)).toEqual([kept]);
  });

  test('one file is written by one writer at a time', async () => {
    const folder = await openStagingFolder(await scratchFolder());
    const part = await folder.create(GUID);
    await expect(folder.create(GUID)).rejects.toMatchObject({ code: 'EEXIST' });
    await part.discard();
  });

  test('F3: neither reading nor writing follows a symbolic link', async () => {
    const folder = await openStagingFolder(await scratchFolder());
    const target = path.join(await scratchFolder(), 'secret');
    await writeFile(target, 'secret');
    await symlink(target, folder.pathOf(GUID));
    await symlink(target, `${folder.pathOf(GUID)}.part`);
    await expect(folder.readHead(GUID, 6)).rejects.toMatchObject({ code: 'ELOOP' });
    await expect(folder.create(GUID)).rejects.toMatchObject({ code: 'EEXIST' });
    expect(await folder.list()).toEqual([]);
    expect(await readFile(target, 'utf8')).toBe('secret');
  });

  test('the head of a short file is the whole file; a missing one is not_found', async () => {
    const folder = await openStagingFolder(await scratchFolder());
    await writeFile(folder.pathOf(GUID), 'abcdef');
    expect((await folder.readHead(GUID, 3)).toString()).toBe('abc');
    expect((await folder.readHead(GUID, 4096)).toString()).toBe('abcdef');
    await expect(folder.readHead(newGuid(), 1)).rejects.toMatchObject({ code: 'not_found' });
  });

  test('removing what is not there is no error', async () => {
    const folder = await openStagingFolder(await scratchFolder());
    await writeFile(folder.pathOf(GUID), 'x');
    await folder.remove(GUID);
    await folder.remove(GUID);
    expect(await folder.sizeOf(GUID)).toBeNull();
  });

  test('the list tells staged from partial, and leaves out what bears no GUID', async () => {
    const folder = await openStagingFolder(await scratchFolder());
    const partial = newGuid();
    await writeFile(folder.pathOf(GUID), 'abc');
    await writeFile(`${folder.pathOf(partial)}.part`, 'ab');
    await writeFile(path.join(folder.dir, 'README'), 'x');
    const files = (await folder.list()).map(({ guid, bytes, partial: isPartial }) => [
      guid,
      bytes,
      isPartial,
    ]);
    expect(files).toHaveLength(2);
    expect(files).toEqual(
      expect.arrayContaining([
        [GUID, 3, false],
        [partial, 2, true],
      ]),
    );
    expect(await folder.removePartials()).toBe(1);
    expect(await readdir(folder.dir)).toEqual(expect.arrayContaining([GUID, 'README']));
    expect(await readdir(folder.dir)).toHaveLength(2);
  });
});
