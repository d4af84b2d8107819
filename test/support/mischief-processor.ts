import { spawn } from 'node:child_process';
import { existsSync, writeFileSync, writeSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { MediaContext, MediaFile, ProcessMedia } from '../../src/processors/media.ts';

const MIB = 2 ** 20;
const STDERR = 2;
const TWO_GIB_IN_MIB = 2_048;
const BLOCK_MS = 30_000;
const LOOK_EVERY_MS = 10;
const LATE_MS = 500;
const MANY = 32_768;

/** The file by which those that block until they are told are told. */
export const ENOUGH = 'enough';

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

/** Keeps the processor busy until a file of this name is in the folder. */
function blockUntil(file: string): string {
  while (!existsSync(file));
  return 'blocked for long enough';
}

/** Ends when so many media are worked on at once. */
async function meet(folder: string, guid: string, many: number, signal: AbortSignal): Promise<string> {
  const met = path.join(folder, 'met');
  await mkdir(met, { recursive: true });
  await writeFile(path.join(met, guid), '');
  while ((await readdir(met)).length < many) await pause(LOOK_EVERY_MS, undefined, { signal });
  return 'met';
}

function spawnProgram(file: MediaFile): void {
  const program = spawn('sleep', ['600'], { stdio: 'ignore' });
  writeFileSync(file.path, `${process.pid} ${program.pid}`);
}

/** What it can be asked for, by caption. */
const MISCHIEF: Readonly<
  Record<string, (file: MediaFile, context: MediaContext, signal: AbortSignal) => unknown>
> = {
  pid: () => String(process.pid),
  'is aborted': (_file, _context, signal) => String(signal.aborted),
  'never return': () => new Promise(() => {}),
  'end on abort': (_file, _context, signal) =>
    new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  'end late after abort': (_file, _context, signal) =>
    new Promise((_resolve, reject) =>
      signal.addEventListener('abort', () => void pause(LATE_MS).then(() => reject(signal.reason))),
    ),
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
  'print a lot and exit': () => {
    writeSync(STDERR, `${'x'.repeat(MANY)} the end`);
    process.exit(7);
  },
  /** Starts a program of its own, leaves both pids in its file, and blocks. */
  'spawn and block': (file) => {
    spawnProgram(file);
    return blockProcessor();
  },
  'spawn and exit': (file) => {
    spawnProgram(file);
    process.exit(7);
  },
};

/** What it can be asked for beside that by a test that gives it a folder of its own. */
const WITH_FOLDER: Readonly<
  Record<string, (folder: string, context: MediaContext, signal: AbortSignal) => unknown>
> = {
  'block until told': (folder) => blockUntil(path.join(folder, ENOUGH)),
  'meet two others': (folder, { guid }, signal) => meet(folder, guid, 3, signal),
};

/** A processor that does harm on request: the medium's caption says which. */
export const createProcessor = ({
  options = {},
}: { readonly options?: Readonly<Record<string, unknown>> } = {}): ProcessMedia => ({
  async processMedia(file, _mimeType, context, signal) {
    const { caption } = context;
    const outcome: unknown = await (MISCHIEF[caption]?.(file, context, signal) ??
      WITH_FOLDER[caption]?.(String(options['folder']), context, signal));
    return outcome as string;
  },
});
