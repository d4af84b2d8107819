import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isGuid, newGuid } from '../../src/base/ids.ts';
import { openStagingFolder } from '../../src/staging/staging-folder.ts';
import { runs } from '../support/property-runs.ts';
import { scratchFolder } from '../support/scratch-folder.ts';

const SOMEBODY_ELSES = '7c9e6679-7425-40de-944b-e07fc1f90ae7';

/** What path traversal is made of, between and around GUIDs. */
const fragment = fc.oneof(
  fc.constantFrom(
    '..',
    '../',
    '..\\',
    '/',
    '\\',
    './',
    '.',
    '~',
    '%2e%2e%2f',
    '..%c0%af',
    '%00',
    '\0',
    '\n',
    '\r',
  ),
  fc.constantFrom(
    'etc/passwd',
    '.gateway-lock',
    'dragoman.db',
    'secret',
    '.part',
    'C:',
    'file://',
    'CON',
    '‥',
    '．．／',
  ),
  fc.constantFrom(SOMEBODY_ELSES, SOMEBODY_ELSES.toUpperCase(), SOMEBODY_ELSES.slice(1)),
  fc.uuid(),
  fc.string({ unit: 'binary', maxLength: 3 }),
);
const traversal = fc.array(fragment, { maxLength: 8 }).map((fragments) => fragments.join(''));

const invariantBroken = expect.objectContaining({ code: 'invariant_broken' });

test('F1: of 10,000 names only a GUID leads anywhere, and that is into the folder', async () => {
  const folder = await openStagingFolder(path.join(await scratchFolder(), 'staging'));
  fc.assert(
    fc.property(traversal, (name) => {
      if (isGuid(name)) expect(path.relative(folder.dir, folder.pathOf(name))).toBe(name);
      else expect(() => folder.pathOf(name)).toThrow(invariantBroken);
    }),
    { numRuns: runs(10_000) },
  );
});

test('F1, F3: whatever the names and the links in the folder, nothing outside is read, written or removed', async () => {
  const outside = await scratchFolder();
  const folder = await openStagingFolder(path.join(outside, 'staging'));
  await writeFile(path.join(outside, 'secret'), 'secret');
  await writeFile(path.join(outside, SOMEBODY_ELSES), 'secret');
  await mkdir(path.join(outside, 'etc'));
  const linked = newGuid();
  await symlink(path.join(outside, 'secret'), path.join(folder.dir, linked));
  await symlink(path.join(outside, 'secret'), path.join(folder.dir, `${newGuid()}.part`));
  const before = await readdir(folder.dir);
  const name = fc.oneof({ weight: 1, arbitrary: fc.constant(linked) }, { weight: 20, arbitrary: traversal });
  await fc.assert(
    fc.asyncProperty(name, async (guid) => {
      expect(await folder.readHead(guid, 6).catch(() => null)).toBeNull();
      expect(await folder.sizeOf(guid).catch(() => null)).toBeNull();
      if (guid === linked) return;
      const part = await folder.create(guid).catch(() => null);
      await part?.discard();
      await folder.remove(guid).catch(() => {});
    }),
    { numRuns: runs(500) },
  );
  await folder.removePartials();
  expect(await readdir(folder.dir)).toEqual(before);
  expect((await readdir(outside)).toSorted()).toEqual(
    [SOMEBODY_ELSES, 'etc', 'secret', 'staging'].toSorted(),
  );
  expect(await readFile(path.join(outside, 'secret'), 'utf8')).toBe('secret');
  expect(await readFile(path.join(outside, SOMEBODY_ELSES), 'utf8')).toBe('secret');
});
