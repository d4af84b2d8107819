import path from 'node:path';
import { describeError, DragomanError } from '../base/errors.ts';
import { type FileLock, lockFile } from '../base/file-lock.ts';

const LOCK_FILE = '.gateway-lock';

/** Marks a staging folder as written by this gateway alone. Throws `already_in_use` or `folder_unusable`. */
export function lockFolder(dir: string): FileLock {
  const lock = tryLock(path.join(dir, LOCK_FILE));
  if (lock !== null) return lock;
  throw new DragomanError(
    'already_in_use',
    `another gateway writes to ${dir}; stop it first, or give this one a folder of its own`,
  );
}

function tryLock(file: string): FileLock | null {
  try {
    return lockFile(file);
  } catch (cause) {
    throw new DragomanError('folder_unusable', `cannot lock ${file}: ${describeError(cause)}`, { cause });
  }
}
