import { readdir, readFile } from 'node:fs/promises';
import { onTestFinished } from 'vitest';
import { newGuid } from '../../src/base/ids.ts';
import type { DecryptionThread } from '../../src/gateway/decryption/decryption-thread.ts';
import { downloadMedia, type DownloadLimits } from '../../src/gateway/download.ts';
import type { DownloadOutcome } from '../../src/gateway/download-outcome.ts';
import type { MediaReference } from '../../src/gateway/received.ts';
import { StagingQuota } from '../../src/staging/quota.ts';
import { openStagingFolder, type StagingFolder } from '../../src/staging/staging-folder.ts';
import { ManualClock } from './manual-clock.ts';
import { MediaServer } from './media-server.ts';
import { RecordingLogger } from './recording-logger.ts';
import { scratchFolder } from './scratch-folder.ts';

const MIB = 2 ** 20;
const NEVER = new AbortController().signal;

/** Everything that one download needs, over a real HTTP server and a real folder. */
export interface DownloadBench {
  readonly server: MediaServer;
  readonly folder: StagingFolder;
  readonly quota: StagingQuota;
  readonly clock: ManualClock;
  readonly log: RecordingLogger;
  download(media: MediaReference, signal?: AbortSignal): Promise<DownloadOutcome>;
  /** The content of each file of the folder, by name. */
  files(): Promise<Record<string, string>>;
}

export async function downloadBench(
  overrides: Partial<DownloadLimits> & {
    readonly quotaBytes?: number;
    readonly thread?: DecryptionThread;
  } = {},
): Promise<DownloadBench> {
  const server = await MediaServer.start();
  onTestFinished(() => server.close());
  const folder = await openStagingFolder(await scratchFolder());
  const { quotaBytes = 100 * MIB, thread, ...limitOverrides } = overrides;
  const quota = new StagingQuota(quotaBytes);
  await quota.reconcile(() => folder.list());
  const clock = new ManualClock();
  const log = new RecordingLogger();
  const limits = {
    maxFileBytes: 10 * MIB,
    idleTimeoutMs: 1_000,
    downloadTimeoutMs: 60_000,
    ...limitOverrides,
  };
  return {
    server,
    folder,
    quota,
    clock,
    log,
    download: (media, signal = NEVER) =>
      downloadMedia(
        { guid: newGuid(), media, origin: server.origin },
        { folder, quota, limits, clock, log, ...(thread && { thread }) },
        signal,
      ),
    async files() {
      const names = await readdir(folder.dir);
      const contents = await Promise.all(
        names.map(async (name) => [name, await readFile(`${folder.dir}/${name}`, 'base64')] as const),
      );
      return Object.fromEntries(contents);
    },
  };
}
