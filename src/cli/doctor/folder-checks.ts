import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { access, constants, open, rm, stat, statfs } from 'node:fs/promises';
import path from 'node:path';
import { describeError } from '../../base/errors.ts';
import { GIB } from '../../base/units.ts';
import type { Config } from '../../system/config.ts';
import { gatewayFolderOf } from '../folders.ts';
import { failing, type Finding, ok, warning } from './check.ts';

const LEAST_FREE_BYTES = GIB;
const inGib = (bytes: number): string => `${(bytes / GIB).toFixed(1)} GiB`;

/** Where what is durable lies, and where files are shared. A folder that is not there yet is made at start. */
export async function checkFolders(config: Config): Promise<readonly Finding[]> {
  const quotaGb =
    config.uplink === undefined
      ? Math.max(...config.bots.map((bot) => bot.mediaStorageQuotaGb))
      : config.gateway.mediaStorageQuotaGb;
  const own = config.gateways.flatMap(({ id, stagingFolder }) =>
    stagingFolder === undefined ? [] : [[`staging folder of ${id}`, stagingFolder] as const],
  );
  const gatewayFolder = gatewayFolderOf(config.dataFolder);
  return Promise.all([
    checkFolder('data folder', config.dataFolder, 0),
    // Where there is none, the data folder is all that it needs; a backend alone has none.
    ...(existsSync(gatewayFolder) ? [checkFolder("gateway's folder", gatewayFolder, 0)] : []),
    ...[['staging folder', config.stagingFolder] as const, ...own].map(([name, folder]) =>
      checkFolder(name, folder, quotaGb * GIB),
    ),
  ]);
}

async function checkFolder(check: string, folder: string, quotaBytes: number): Promise<Finding> {
  try {
    const existing = await nearestFolder(folder);
    if (existing === folder) await tryWriting(folder);
    else await access(existing, constants.W_OK);
    const { bavail, bsize } = await statfs(existing);
    const free = bavail * bsize;
    const found = `${folder}${existing === folder ? '' : ' (made at start)'}, ${inGib(free)} free`;
    if (free < LEAST_FREE_BYTES)
      return failing(check, found, 'make room: nothing is taken in that cannot be kept');
    if (free < quotaBytes) {
      return warning(
        check,
        `${found}, quota ${inGib(quotaBytes)}`,
        'make room, or lower mediaStorageQuotaGb',
      );
    }
    const isOpen = existing === folder && ((await stat(folder)).mode & 0o007) !== 0;
    if (isOpen) return warning(check, `${found}, open to everybody on this machine`, `chmod o= ${folder}`);
    return ok(check, found);
  } catch (error) {
    return failing(check, describeError(error), whatToDo(folder, error));
  }
}

function whatToDo(folder: string, error: unknown): string {
  if (isFull(error)) return `make room on the disk of ${folder}, or name another folder`;
  return `let user ${process.getuid?.() ?? 'this user'} write in ${folder}, or name another folder`;
}

const isFull = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');

async function nearestFolder(folder: string): Promise<string> {
  try {
    if ((await stat(folder)).isDirectory()) return folder;
    throw new Error(`${folder} is no folder`);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    return nearestFolder(path.dirname(folder));
  }
}

async function tryWriting(folder: string): Promise<void> {
  const file = path.join(folder, `.doctor-${randomUUID()}`);
  const handle = await open(file, 'wx', 0o600);
  try {
    await handle.write('dragoman');
    await handle.sync();
  } finally {
    await handle.close();
    await rm(file, { force: true });
  }
}
