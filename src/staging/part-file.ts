import { constants } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { DragomanError } from '../base/errors.ts';
import { MIB } from '../base/units.ts';

/** Other users of the group may read: gateway and backend may run as two users. */
const FILE_MODE = 0o640;
const CREATE_NEW = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW;

/** So that little is left to sync at the end: the disk works while the bytes still come. */
const SYNC_FROM_BYTES = 8 * MIB;

export interface PartPaths {
  readonly part: string;
  readonly final: string;
}

/** Of all the files of a folder one is synced while it grows: more would take the threads that every file needs. */
export interface SyncTurn {
  isTaken: boolean;
}

/**
 * A file on its way into the staging folder.
 *   P1 It ends published or discarded, once; whoever made it sees to that.
 *   P2 The final name appears only after every byte is synced; the name itself is synced before `publish` resolves.
 *   P3 A `publish` that rejects leaves no final name behind.
 *   P4 At most one write is under way; its failure is that of the next `write`, or of `publish`. A sync's is that of `publish`.
 */
export class PartFile {
  readonly #paths: PartPaths;
  readonly #turn: SyncTurn;
  #handle: FileHandle | null;
  #writing: Promise<void> = Promise.resolve();
  #syncing: Promise<void> = Promise.resolve();
  #hasFailedToSync = false;
  #unsyncedBytes = 0;

  private constructor(paths: PartPaths, turn: SyncTurn, handle: FileHandle) {
    this.#paths = paths;
    this.#turn = turn;
    this.#handle = handle;
  }

  /** Rejects with the system's error; `EEXIST` when somebody writes that file already. */
  static async create(paths: PartPaths, turn: SyncTurn): Promise<PartFile> {
    return new PartFile(paths, turn, await open(paths.part, CREATE_NEW, FILE_MODE));
  }

  /** Appends all of `bytes`, which must not be changed any more. Resolves when the write before is done (P4). */
  async write(bytes: Uint8Array): Promise<void> {
    const handle = this.#opened();
    await this.#writing;
    this.#syncWhatThereIs(handle);
    this.#unsyncedBytes += bytes.length;
    this.#writing = handle.writeFile(bytes);
    this.#writing.catch(heardLater);
  }

  async publish(): Promise<void> {
    const handle = this.#opened();
    await this.#writing;
    await this.#syncing;
    await handle.sync();
    // Before anything is done: a handle may be hard to get.
    const folder = await open(path.dirname(this.#paths.final), 'r');
    try {
      this.#handle = null;
      await handle.close();
      await rename(this.#paths.part, this.#paths.final);
      await this.#keepName(folder);
    } finally {
      await folder.close();
    }
  }

  async #keepName(folder: FileHandle): Promise<void> {
    try {
      await folder.sync();
    } catch (error) {
      await rm(this.#paths.final, { force: true });
      throw error;
    }
  }

  /** Removes what was written so far; does nothing to a published file. */
  async discard(): Promise<void> {
    const handle = this.#handle;
    this.#handle = null;
    await Promise.allSettled([this.#writing, this.#syncing]);
    try {
      await handle?.close();
    } finally {
      await rm(this.#paths.part, { force: true });
    }
  }

  /** Nothing waits for it. After one that failed there is no other, which might know nothing of what was lost. */
  #syncWhatThereIs(handle: FileHandle): void {
    if (this.#unsyncedBytes < SYNC_FROM_BYTES || this.#hasFailedToSync || this.#turn.isTaken) return;
    this.#syncing = this.#sync(handle);
    this.#syncing.catch(heardLater);
  }

  async #sync(handle: FileHandle): Promise<void> {
    this.#turn.isTaken = true;
    this.#unsyncedBytes = 0;
    try {
      await handle.datasync();
    } catch (error) {
      this.#hasFailedToSync = true;
      throw error;
    } finally {
      this.#turn.isTaken = false;
    }
  }

  #opened(): FileHandle {
    if (this.#handle === null)
      throw new DragomanError('invariant_broken', 'the file was published or discarded');
    return this.#handle;
  }
}

/** The promise is awaited by the next call. */
const heardLater = (): void => {};
