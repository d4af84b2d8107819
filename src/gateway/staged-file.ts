import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import type { Guid } from '../base/ids.ts';
import type { StagingFolder } from '../staging/staging-folder.ts';
import type { StagedDownload } from './download-outcome.ts';

/**
 * A file that a crash left staged but not announced. It was verified before it got its name, so its hash is only
 * read again. Null when there is none. Rejects when it cannot be read, or `signal` aborts.
 */
export async function findStagedFile(
  folder: StagingFolder,
  guid: Guid,
  signal: AbortSignal,
): Promise<StagedDownload | null> {
  const bytes = await folder.sizeOf(guid);
  if (bytes === null) return null;
  const handle = await folder.open(guid);
  const hash = createHash('sha256');
  await pipeline(handle.createReadStream(), hash, { signal });
  return { kind: 'staged', bytes, sha256: hash.digest('hex') };
}
