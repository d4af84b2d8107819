import { existsSync, realpathSync } from 'node:fs';
import { DragomanError } from '../../base/errors.ts';
import { type FileLock, lockFile } from '../../base/file-lock.ts';

/** One owner per store file, by `<file>.lock`, whatever the file is called by. Throws `already_in_use`. */
export function lockStore(file: string): FileLock {
  const lock = lockFile(`${existsSync(file) ? realpathSync(file) : file}.lock`);
  if (lock !== null) return lock;
  throw new DragomanError(
    'already_in_use',
    `${file} is in use by another Dragoman: stop that one, or give this one another data folder`,
  );
}
