import path from 'node:path';

/** The staging folder that gateway and backend share. */
export const stagingFolderOf = (dataFolder: string): string => path.join(dataFolder, 'media');

/** The gateway's own folder: journal and auth state. */
export const gatewayFolderOf = (dataFolder: string): string => path.join(dataFolder, 'gateway');
