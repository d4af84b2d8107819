/**
 * A download of 500 MB through the gateway's own code, beside the limits that no download can pass: writing as many
 * bytes to the same disk, and computing what must be computed over them. Receiving them is work of the same kind, paid on
 * the same host: with fewer cores than the two threads and the serving process can use, the sum of receiving and
 * computing is what a download comes near to.
 */
import { createDecipheriv, createHash, createHmac, randomBytes } from 'node:crypto';
import { readdirSync, rmSync } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import path from 'node:path';
import { bodyOf, askMediaHost } from '../src/gateway/ask-media-host.ts';
import type { HostedFile } from '../test/support/download-host-process.ts';
import { hostFile, LargeDownloads } from '../test/support/large-downloads.ts';
import { measure, printTable, row } from './measure.ts';

const SIZE_MIB = 500;
const MIB = 2 ** 20;
const ROUNDS = 5;
const NEVER = new AbortController().signal;

export async function run(): Promise<void> {
  using hosted = await hostFile(SIZE_MIB);
  // Not the system's folder for temporary files, which may be in memory.
  const dir = await mkdtemp(path.join(process.cwd(), '.bench-download-'));
  try {
    await compare(hosted, dir);
  } finally {
    await rm(dir, { recursive: true });
  }
}

async function compare(hosted: HostedFile, dir: string): Promise<void> {
  await using downloads = new LargeDownloads(dir);
  const memory = { before: 0, peak: 0 };
  // To remove so large a file takes as long as to write it, and is nobody's download.
  const emptyFolder = (): void => {
    for (const name of readdirSync(dir)) rmSync(path.join(dir, name));
  };
  const rowOf = (name: string, work: () => void | Promise<void>) =>
    row({ name, operations: SIZE_MIB, prepare: emptyFolder, run: work });

  const download = async (): Promise<void> => {
    memory.before = process.memoryUsage.rss();
    const watch = setInterval(() => (memory.peak = Math.max(memory.peak, process.memoryUsage.rss())), 10);
    await downloads.download(hosted);
    clearInterval(watch);
  };
  const mib = randomBytes(MIB);
  const copy = async (): Promise<void> => {
    const handle = await open(path.join(dir, 'raw'), 'w');
    for (let written = 0; written < SIZE_MIB; written += 1) await handle.writeFile(mib);
    await handle.sync();
    await handle.close();
  };
  const compute = (): void => {
    const decipher = createDecipheriv('aes-256-cbc', randomBytes(32), randomBytes(16));
    const mac = createHmac('sha256', randomBytes(32));
    const hash = createHash('sha256');
    for (let done = 0; done < SIZE_MIB; done += 1) {
      mac.update(mib);
      hash.update(decipher.update(mib));
    }
    mac.digest();
    hash.digest();
  };

  const receive = async (): Promise<void> => {
    const response = await askMediaHost(new URL(hosted.media.directPath ?? '', hosted.origin), NEVER);
    let bytes = 0;
    for await (const chunk of bodyOf(response)) bytes += chunk.length;
    if (bytes < SIZE_MIB * MIB) throw new Error(`expected ${SIZE_MIB} MiB, got ${bytes} bytes`);
  };

  const measurements = await measure(
    [
      rowOf('download (MiB)', download),
      rowOf('raw copy, fsync (MiB)', copy),
      rowOf('decrypt, HMAC, SHA-256 (MiB)', compute),
      rowOf('receive over HTTP (MiB)', receive),
    ],
    ROUNDS,
  );
  printTable(measurements);
  const [downloaded = NaN, copied = NaN, computed = NaN, received = NaN] = measurements.map(
    ({ median }) => median,
  );
  const onOneCore = 1 / (1 / received + 1 / computed);
  console.log(
    `\n${(downloaded / Math.min(copied, computed)).toFixed(2)} of the smaller of disk and computing (mark: 0.80)`,
  );
  console.log(`${(downloaded / onOneCore).toFixed(2)} of receiving and computing, one after the other`);
  console.log(
    `peak memory ${(memory.peak / MIB).toFixed(0)} MiB, ${((memory.peak - memory.before) / MIB).toFixed(0)} above the start`,
  );
}
