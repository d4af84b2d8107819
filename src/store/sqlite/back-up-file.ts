import { existsSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describeError, DragomanError } from '../../base/errors.ts';

/**
 * Writes a copy of a store file as it is at one moment, while a backend uses it or not. What was acknowledged before
 * the call is in it, and it is on the disk when this resolves.
 * Rejects with `not_found`, `already_in_use` (there is a file of that name) or `folder_unusable`.
 */
export async function backUpFile(file: string, target: string): Promise<void> {
  if (!existsSync(file)) throw new DragomanError('not_found', `there is no store ${file}`);
  if (existsSync(target))
    throw new DragomanError('already_in_use', `${target} is there already: name a new file`);
  const part = `${target}.part`;
  try {
    await rm(part, { force: true });
    const source = new DatabaseSync(file, { readOnly: true, timeout: 10_000 });
    try {
      source.prepare('VACUUM INTO ?').run(part);
    } finally {
      source.close();
    }
    await syncFile(part);
    await rename(part, target);
    await syncFile(path.dirname(target));
  } catch (cause) {
    await rm(part, { force: true });
    throw new DragomanError(
      'folder_unusable',
      `cannot back ${file} up to ${target}: ${describeError(cause)}`,
      { cause },
    );
  }
}

async function syncFile(file: string): Promise<void> {
  const handle = await open(file, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
