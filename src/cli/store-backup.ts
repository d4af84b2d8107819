import { stat } from 'node:fs/promises';
import path from 'node:path';
import { DragomanError } from '../base/errors.ts';
import { backUpFile } from '../store/sqlite/back-up-file.ts';
import { type ConfigSources, loadConfig, storeLocation } from '../system/config.ts';
import { EXIT } from './exit-codes.ts';

/** `dragoman store backup`: a copy of the SQLite store, while it is used or not. Resolves to the exit code. */
export async function storeBackup(sources: ConfigSources, target: string, asJson: boolean): Promise<number> {
  const location = storeLocation(loadConfig(sources));
  if (location.kind === 'mongodb') {
    throw new DragomanError('config_invalid', 'the store is on MongoDB: back it up by mongodump --oplog');
  }
  const file = path.resolve(target);
  await backUpFile(location.file, file);
  const { size } = await stat(file);
  if (asJson) console.log(JSON.stringify({ from: location.file, to: file, bytes: size }));
  else console.log(`${location.file} is backed up to ${file} (${size} bytes).`);
  return EXIT.ok;
}
