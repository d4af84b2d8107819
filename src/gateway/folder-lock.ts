import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { DragomanError } from '../base/errors.ts';

const LOCK_FILE = '.gateway-lock';

/**
 * Marks a staging folder as written by this gateway alone. SQLite holds the lock on our behalf, as Node has no file
 * locks of its own: the kernel drops it when the process ends, even by kill -9, and it works between containers that
 * share the volume.
 */
export class FolderLock {
  readonly #db: DatabaseSync;

  private constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /** Throws `already_in_use` when another gateway writes to the folder. */
  static take(dir: string): FolderLock {
    const db = new DatabaseSync(path.join(dir, LOCK_FILE), { timeout: 0 });
    try {
      db.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
      return new FolderLock(db);
    } catch (error) {
      db.close();
      throw new DragomanError(
        'already_in_use',
        `another gateway writes to ${dir}; stop it first, or give this one a folder of its own`,
        { cause: error },
      );
    }
  }

  release(): void {
    this.#db.close();
  }
}
