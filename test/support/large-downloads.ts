import { fork } from 'node:child_process';
import { once } from 'node:events';
import { systemClock } from '../../src/base/clock.ts';
import { newGuid } from '../../src/base/ids.ts';
import { silentLogger } from '../../src/base/log.ts';
import { DecryptionThread } from '../../src/gateway/decryption/decryption-thread.ts';
import { downloadMedia } from '../../src/gateway/download.ts';
import { StagingQuota } from '../../src/staging/quota.ts';
import { openStagingFolder } from '../../src/staging/staging-folder.ts';
import type { HostedFile } from './download-host-process.ts';

const MIB = 2 ** 20;
const NEVER = new AbortController().signal;
const LIMITS = { maxFileBytes: 1024 * MIB, idleTimeoutMs: 30_000, downloadTimeoutMs: 600_000 };

/** A media host in a process of its own, with one file of so many MiB. */
export async function hostFile(mib: number): Promise<HostedFile & Disposable> {
  const host = fork(new URL('download-host-process.ts', import.meta.url), [String(mib)]);
  const [hosted] = await once(host, 'message');
  return { ...hosted, [Symbol.dispose]: () => host.disconnect() };
}

/** Downloads into a folder as the gateway does. */
export class LargeDownloads implements AsyncDisposable {
  readonly #thread = new DecryptionThread();
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  async download({ media, origin }: HostedFile): Promise<void> {
    const folder = await openStagingFolder(this.#dir);
    const quota = new StagingQuota(LIMITS.maxFileBytes);
    await quota.reconcile(() => folder.list());
    const target = {
      folder,
      quota,
      limits: LIMITS,
      clock: systemClock(),
      log: silentLogger,
      thread: this.#thread,
    };
    const outcome = await downloadMedia({ guid: newGuid(), media, origin }, target, NEVER);
    if (outcome.kind === 'failed') throw new Error(`${outcome.reason}: ${outcome.detail}`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#thread.close();
  }
}
