import { mkdirSync, statSync } from 'node:fs';
import path from 'node:path';

/**
 * Makes a folder where there is none, and those above it. Throws what the system says of the one that cannot be made.
 * Not Node's `recursive`: where an existing folder answers that it does not exist, as `/proc` does, that tries for ever.
 */
export function makeFolder(folder: string, mode = 0o777): void {
  const above = path.dirname(folder);
  try {
    makeOne(folder, mode);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT') || above === folder)
      throw error;
    makeFolder(above, mode);
    makeOne(folder, mode);
  }
}

function makeOne(folder: string, mode: number): void {
  try {
    mkdirSync(folder, { mode });
  } catch (error) {
    // Whatever was said: of one on a read-only disk, or of a disk's root, it need not be that it is there.
    if (!isFolder(folder)) throw error;
  }
}

function isFolder(name: string): boolean {
  try {
    return statSync(name).isDirectory();
  } catch {
    return false;
  }
}
