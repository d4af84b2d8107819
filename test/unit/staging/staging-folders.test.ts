import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { newGuid } from '../../../src/base/ids.ts';
import { openStagingFolders } from '../../../src/staging/staging-folders.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

test('G1: a gateway with a folder of its own is never led to another one’s', async () => {
  const dir = await scratchFolder();
  const folders = await openStagingFolders(path.join(dir, 'shared'), [
    { id: 'north', stagingFolder: path.join(dir, 'north') },
    { id: 'south' },
  ]);
  expect(['north', 'south', 'local'].map((id) => path.basename(folders.of(id).dir))).toEqual([
    'north',
    'shared',
    'shared',
  ]);
  expect(folders.all.map((folder) => path.basename(folder.dir))).toEqual(['shared', 'north']);
});

test('G1: a file is there only for the gateway in whose folder it lies', async () => {
  const dir = await scratchFolder();
  const folders = await openStagingFolders(path.join(dir, 'shared'), [
    { id: 'north', stagingFolder: path.join(dir, 'north') },
  ]);
  const guid = newGuid();
  await writeFile(path.join(dir, 'north', guid), 'a voice note');
  expect(await folders.has(guid, 'north')).toBe(true);
  expect(await folders.has(guid, 'south')).toBe(false);
});

test.each([
  ['another gateway’s', 'north'],
  ['the shared one', 'shared'],
])('G2: a folder that is %s as well is refused', async (_whose, taken) => {
  const dir = await scratchFolder();
  const opening = openStagingFolders(path.join(dir, 'shared'), [
    { id: 'north', stagingFolder: path.join(dir, 'north') },
    { id: 'south', stagingFolder: path.join(dir, '.', taken) },
  ]);
  await expect(opening).rejects.toMatchObject({
    code: 'config_invalid',
    message: expect.stringContaining('of its own for south'),
  });
});
