import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import type { MediaContext, MediaFile, ProcessMedia } from '../../src/processors/media.ts';

const MIB = 2 ** 20;
const TWO_GIB_IN_MIB = 2_048;
const BLOCK_MS = 30_000;

function eatBuffers(): string {
  const eaten: Buffer[] = [];
  while (eaten.length < TWO_GIB_IN_MIB) eaten.push(Buffer.alloc(MIB, 1));
  return `ate ${eaten.length} MiB`;
}

function eatHeap(): string {
  const eaten: string[][] = [];
  while (eaten.length < TWO_GIB_IN_MIB) eaten.push(Array.from({ length: MIB / 8 }, () => 'x'));
  return `ate ${eaten.length} MiB`;
}

function blockProcessor(): string {
  const end = performance.now() + BLOCK_MS;
  while (performance.now() < end);
  return 'blocked for long enough';
}

/** What it can be asked for, by caption. */
const MISCHIEF: Readonly<
  Record<string, (file: MediaFile, context: MediaContext, signal: AbortSignal) => unknown>
> = {
  pid: () => String(process.pid),
  'never return': () => new Promise(() => {}),
  'end on abort': (_file, _context, signal) =>
    new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  'throw undefined': () => Promise.reject(undefined),
  'throw 503': () => Promise.reject(Object.assign(new Error('the model is loading'), { status: 503 })),
  'throw later': () => {
    setImmediate(() => {
      throw new Error('nobody caught this');
    });
    return new Promise(() => {});
  },
  'return a buffer': () => Buffer.alloc(MIB),
  'return too much': () => 'word '.repeat(MIB),
  exit: () => process.exit(7),
  'hang up': () => process.disconnect(),
  'eat buffers': eatBuffers,
  'eat heap': eatHeap,
  block: blockProcessor,
  /** Starts a program of its own, leaves both pids in its file, and blocks. */
  'spawn and block': (file) => {
    const program = spawn('sleep', ['600'], { stdio: 'ignore' });
    writeFileSync(file.path, `${process.pid} ${program.pid}`);
    return blockProcessor();
  },
};

/** A processor that does harm on request: the medium's caption says which. */
export const createProcessor = (): ProcessMedia => ({
  async processMedia(file, _mimeType, context, signal) {
    const outcome: unknown = await MISCHIEF[context.caption]?.(file, context, signal);
    return outcome as string;
  },
});
