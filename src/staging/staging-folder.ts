import { constants } from 'node:fs';
import { access, type FileHandle, lstat, open, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { describeError, DragomanError } from '../base/errors.ts';
import { type Guid, isGuid } from '../base/ids.ts';
import { makeFolder } from '../base/make-folder.ts';
import { PartFile, type SyncTurn } from './part-file.ts';

const FOLDER_MODE = 0o700;
const PART_SUFFIX = '.part';
const READ_AND_WRITE = constants.R_OK | constants.W_OK | constants.X_OK;
const READ_NO_FOLLOW = constants.O_RDONLY | constants.O_NOFOLLOW;

/** A file of the folder. `partial`: it is still being written, or was when its writer died. */
export interface StagedFile {
  readonly guid: Guid;
  readonly bytes: number;
  readonly partial: boolean;
  /** Epoch milliseconds by the file system's clock. */
  readonly modifiedAt: number;
}

/**
 * The folder that one gateway and the backend share: one file per GUID.
 *   F1 Every path is the folder plus a GUID: no other file is ever named, read or removed.
 *   F2 `<guid>` exists only complete and synced; what is being written is `<guid>.part`.
 *   F3 No file is opened through a symbolic link.
 */
export class StagingFolder {
  readonly dir: string;
  readonly #syncTurn: SyncTurn = { isTaken: false };

  constructor(dir: string) {
    this.dir = path.resolve(dir);
  }

  /** Where the file of `guid` lies once it is staged. Throws `invariant_broken` on anything but a GUID. */
  pathOf(guid: Guid): string {
    if (!isGuid(guid))
      throw new DragomanError('invariant_broken', 'expected a lower-case UUID as a file name');
    return path.join(this.dir, guid);
  }

  /** Begins a file as `<guid>.part`, mode 0640. Rejects with the system's error. */
  async create(guid: Guid): Promise<PartFile> {
    const final = this.pathOf(guid);
    return PartFile.create({ part: final + PART_SUFFIX, final }, this.#syncTurn);
  }

  /** Removes a staged file; one that is not there is as good as removed. */
  async remove(guid: Guid): Promise<void> {
    await rm(this.pathOf(guid), { force: true });
  }

  /** Removes a file that was never finished; one that is not there is as good as removed. */
  async removePartial(guid: Guid): Promise<void> {
    await rm(this.pathOf(guid) + PART_SUFFIX, { force: true });
  }

  /** Every file of the folder that bears a GUID's name, staged or partial. */
  async list(): Promise<readonly StagedFile[]> {
    const names = await readdir(this.dir);
    const files = await Promise.all(names.map((name) => this.#describe(name)));
    return files.filter((file) => file !== null);
  }

  /** The staged file's size in bytes; null when it is not there. */
  async sizeOf(guid: Guid): Promise<number | null> {
    const found = await lstat(this.pathOf(guid)).catch(nullIfMissing);
    return found?.isFile() ? found.size : null;
  }

  /** Opens a staged file for reading; the caller closes it. Rejects with `not_found`. */
  async open(guid: Guid): Promise<FileHandle> {
    const handle = await open(this.pathOf(guid), READ_NO_FOLLOW).catch(nullIfMissing);
    if (handle === null) throw new DragomanError('not_found', `no staged file ${guid}`);
    return handle;
  }

  /** The first `bytes` bytes of a staged file, or fewer when it is shorter. Rejects with `not_found`. */
  async readHead(guid: Guid, bytes: number): Promise<Buffer> {
    const handle = await this.open(guid);
    try {
      const head = Buffer.alloc(bytes);
      const { bytesRead } = await handle.read(head, 0, bytes, 0);
      return head.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  }

  /** Removes what writers left half done. Only for the folder's one writer, before it begins. */
  async removePartials(): Promise<number> {
    const partials = (await this.list()).filter((file) => file.partial);
    await Promise.all(partials.map((file) => this.removePartial(file.guid)));
    return partials.length;
  }

  async #describe(name: string): Promise<StagedFile | null> {
    const partial = name.endsWith(PART_SUFFIX);
    const guid = partial ? name.slice(0, -PART_SUFFIX.length) : name;
    if (!isGuid(guid)) return null;
    const found = await lstat(path.join(this.dir, name)).catch(nullIfMissing);
    if (!found?.isFile()) return null;
    return { guid, bytes: found.size, partial, modifiedAt: found.mtimeMs };
  }
}

/**
 * Opens the shared folder, and makes it, mode 0700, where there is none.
 * Rejects with `folder_unusable` when this user cannot list, read and write in it.
 */
export async function openStagingFolder(dir: string): Promise<StagingFolder> {
  const folder = new StagingFolder(dir);
  try {
    makeFolder(folder.dir, FOLDER_MODE);
    await access(folder.dir, READ_AND_WRITE);
  } catch (error) {
    throw unusable(
      folder,
      error,
      'give it to the user that runs gateway and backend, or configure another folder',
    );
  }
  return folder;
}

/** The same for a process that only joins: a folder that is not there is not mounted. Rejects with `folder_unusable`. */
export async function joinStagingFolder(dir: string): Promise<StagingFolder> {
  const folder = new StagingFolder(dir);
  try {
    await access(folder.dir, READ_AND_WRITE);
  } catch (error) {
    throw unusable(
      folder,
      error,
      'mount the folder that gateway and backend share, and configure it as stagingFolder',
    );
  }
  return folder;
}

const unusable = (folder: StagingFolder, error: unknown, advice: string): DragomanError =>
  new DragomanError(
    'folder_unusable',
    `expected a staging folder that this user can write at ${folder.dir}: ${describeError(error)}; ${advice}`,
    { cause: error },
  );

function nullIfMissing(error: unknown): null {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
  throw error;
}
