import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';

/** A new empty folder that goes with the test. */
export async function scratchFolder(): Promise<string> {
  const dir = await mkdtemp(path.join(tmpdir(), 'dragoman-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}
