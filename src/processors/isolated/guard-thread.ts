/**
 * Watches over a processor's process from a thread of its own, for what it watches may block the main one: kills the
 * process when it takes more memory than it may (V8's own limit does not count buffers), and when its parent is gone.
 */
import { writeSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { MIB } from '../../base/units.ts';
import { endProcessGroup } from './process-group.ts';

export interface GuardLimits {
  readonly maxMemoryMb: number;
  readonly parentPid: number;
}

const CHECK_MS = 100;
const STDERR = 2;

const { maxMemoryMb, parentPid }: GuardLimits = workerData;

setInterval(() => {
  const isTooLarge = process.memoryUsage.rss() > maxMemoryMb * MIB;
  if (isTooLarge) writeSync(STDERR, `more than ${maxMemoryMb} MiB of memory\n`);
  if (isTooLarge || process.ppid !== parentPid) endProcessGroup(process.pid);
}, CHECK_MS);
