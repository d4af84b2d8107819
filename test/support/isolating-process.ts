/**
 * `node isolating-process.ts FILE`: has a processor in a process of its own that starts a program and blocks. The pids of
 * both are left in FILE.
 */
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../src/base/clock.ts';
import { newGuid } from '../../src/base/ids.ts';
import { silentLogger } from '../../src/base/log.ts';
import { IsolatedProcessor } from '../../src/processors/isolated/isolated-processor.ts';
import { claimedJob } from './claimed-job.ts';
import { placeholderMessage } from './store-records.ts';

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('expected a file');
const clock = systemClock();
const processor = await IsolatedProcessor.start({
  module: {
    file: fileURLToPath(new URL('./mischief-processor.ts', import.meta.url)),
    options: {},
    maxMemoryMb: 256,
  },
  workers: 1,
  clock,
  log: silentLogger,
});
const placeholder = placeholderMessage(1, newGuid(), { content: 'spawn and block' });
const media = { path: file, bytes: null, sha256: null };
const limits = { clock, timeoutMs: 600_000 };
setInterval(() => {}, 60_000);
await processor.process(claimedJob({ placeholder }), media, limits, new AbortController().signal);
