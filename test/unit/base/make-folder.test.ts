import { existsSync } from 'node:fs';
import { stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { makeFolder } from '../../../src/base/make-folder.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

test('a folder is made with those above it, and one that is there stays as it is', async () => {
  const above = path.join(await scratchFolder(), 'Bücher und mehr');
  const folder = path.join(above, 'data');
  makeFolder(folder, 0o700);
  makeFolder(folder, 0o755);
  for (const made of [above, folder]) expect((await stat(made)).mode & 0o777).toBe(0o700);
});

test('a link to a folder is one; a file, and a link to nothing, is none', async () => {
  const dir = await scratchFolder();
  await symlink(dir, path.join(dir, 'link'));
  makeFolder(path.join(dir, 'link'));
  await writeFile(path.join(dir, 'file'), '');
  await symlink(path.join(dir, 'nothing'), path.join(dir, 'broken'));
  for (const name of ['file', 'broken']) expect(() => makeFolder(path.join(dir, name))).toThrow('EEXIST');
  expect(() => makeFolder(path.join(dir, 'file', 'below'))).toThrow('ENOTDIR');
});

test.runIf(existsSync('/proc/self'))('below a folder that can hold none, it ends and says so', () => {
  expect(() => makeFolder('/proc/no-such/folder')).toThrow('ENOENT');
});
