import path from 'node:path';

/** The gateway's own folder: journal and auth state. */
export const gatewayFolderOf = (dataFolder: string): string => path.join(dataFolder, 'gateway');
