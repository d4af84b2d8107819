import { expect, test } from 'vitest';
import { newGuid } from '../../../src/base/ids.ts';
import { silentLogger } from '../../../src/base/log.ts';
import { openStagingFolder } from '../../../src/staging/staging-folder.ts';
import { mimeTypeDecider } from '../../../src/system/mime-type-of.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

/** A staging folder that nobody has a handle for. */
async function unreadable(code: string) {
  const folder = await openStagingFolder(await scratchFolder());
  folder.readHead = () => Promise.reject(Object.assign(new Error(`${code}: open`), { code }));
  return mimeTypeDecider({ of: () => folder }, silentLogger);
}

test('a file that nobody has a handle to look at is staged again, where its sender’s word says nothing', async () => {
  const decide = await unreadable('EMFILE');
  for (const nothing of ['application/octet-stream', 'binary/octet-stream', '']) {
    await expect(decide(newGuid(), nothing, 'g')).rejects.toMatchObject({
      code: 'no_handles',
      retryable: true,
    });
  }
  expect(await decide(newGuid(), 'image/jpeg', 'g')).toBe('image/jpeg');
});

test('a file that cannot be read otherwise is what its sender says', async () => {
  const decide = await unreadable('EIO');
  expect(await decide(newGuid(), 'application/octet-stream', 'g')).toBe('application/octet-stream');
});
