import { mkdir, writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { newGuid } from '../../../src/base/ids.ts';
import { openStagingFolder } from '../../../src/staging/staging-folder.ts';
import { StagingFolders } from '../../../src/staging/staging-folders.ts';
import { mimeTypeDecider } from '../../../src/system/mime-type-of.ts';
import { RecordingLogger } from '../../support/recording-logger.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

async function bench() {
  const staging = await openStagingFolder(await scratchFolder());
  const log = new RecordingLogger();
  return { staging, log, mimeTypeOf: mimeTypeDecider(new StagingFolders(staging), log) };
}

describe('the type that a staged file is processed as', () => {
  test('is what its first bytes show when they contradict the sender', async () => {
    const { staging, mimeTypeOf } = await bench();
    const guid = newGuid();
    await writeFile(staging.pathOf(guid), Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 0]));
    expect(await mimeTypeOf(guid, 'audio/ogg', 'local')).toBe('image/jpeg');
    expect(await mimeTypeOf(guid, 'image/png', 'local')).toBe('image/png');
  });

  test('is the sender’s word when there is no file, which is logged', async () => {
    const { mimeTypeOf, log } = await bench();
    expect(await mimeTypeOf(newGuid(), 'Audio/OGG; codecs=opus', 'local')).toBe('audio/ogg');
    expect(log.at('warn')).toEqual([expect.stringContaining('do gateway and backend share it?')]);
  });

  test('is the sender’s word when the file cannot be read', async () => {
    const { staging, mimeTypeOf, log } = await bench();
    const guid = newGuid();
    await mkdir(staging.pathOf(guid));
    expect(await mimeTypeOf(guid, 'audio/ogg', 'local')).toBe('audio/ogg');
    expect(log.at('warn')).toEqual(['a staged file cannot be read']);
  });

  test('is what it says when it says that there is no file', async () => {
    const { mimeTypeOf, log } = await bench();
    expect(await mimeTypeOf(newGuid(), 'media_corrupt_image', 'local')).toBe('media_corrupt_image');
    expect(log.lines).toEqual([]);
  });
});
