import { closeSync, openSync } from 'node:fs';

/**
 * Makes an empty file that its owner alone may read, where there is none; one that is there stays as it is. SQLite gives the
 * files that it keeps beside a database the database's mode.
 */
export function makePrivateFile(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600));
  } catch {
    // It is there; or it cannot be made, which whoever opens it next can say better.
  }
}
