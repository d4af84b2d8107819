import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';

/** Whether this user may mount file systems: a small one is the only honest way to a disk that is full. */
export const mayMount = process.platform === 'linux' && process.getuid?.() === 0;

/** A disk of `bytes`, gone with the test. */
export async function smallDisk(bytes: number): Promise<string> {
  const dir = await mkdtemp(path.join(tmpdir(), 'dragoman-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'none', dir]);
  onTestFinished(async () => {
    execFileSync('umount', ['--lazy', dir]);
    await rm(dir, { recursive: true, force: true });
  });
  return dir;
}
