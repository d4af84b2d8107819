import { expect, test } from 'vitest';
import { newGuid } from '../../../src/base/ids.ts';
import { silentLogger } from '../../../src/base/log.ts';
import { corruptMimeType, MEDIA_KINDS } from '../../../src/queue/media-kind.ts';
import { openStagingFolder } from '../../../src/staging/staging-folder.ts';
import { mimeTypeDecider } from '../../../src/system/mime-type-of.ts';
import { RecordingLogger } from '../../support/recording-logger.ts';
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

test.each(MEDIA_KINDS)('of %s media that could not be downloaded no file is missed', async (kind) => {
  const folder = await openStagingFolder(await scratchFolder());
  const log = new RecordingLogger();
  const decide = mimeTypeDecider({ of: () => folder }, log);
  expect(await decide(newGuid(), corruptMimeType(kind), 'g')).toBe(corruptMimeType(kind));
  expect(log.lines).toEqual([]);
  await decide(newGuid(), 'image/jpeg', 'g');
  expect(log.at('warn')).toEqual([
    'a staged file is not in the staging folder: do gateway and backend share it?',
  ]);
});
