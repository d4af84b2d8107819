import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { describeError, DragomanError } from '../base/errors.ts';
import { makeFolder } from '../base/make-folder.ts';

/** The gateway's own folder: journal and auth state. */
export const gatewayFolderOf = (dataFolder: string): string => path.join(dataFolder, 'gateway');

/** Makes the data folder where there is none, for its user alone. Throws `folder_unusable`. */
export function openDataFolder(dataFolder: string): void {
  try {
    makeFolder(dataFolder, 0o700);
    accessSync(dataFolder, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw new DragomanError(
      'folder_unusable',
      `expected a data folder that this user can write at ${dataFolder}: ${describeError(cause)}; ` +
        'give it to the user that runs Dragoman, or name another one as dataFolder or --data-folder',
      { cause },
    );
  }
}
