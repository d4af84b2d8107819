import { resolve as resolvePath } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import { ClaimableNews } from '../claimable-news.ts';
import type { Store } from '../store.ts';
import { sqliteBotStore } from './bot-store.ts';
import { sqliteChatStore } from './chat-store.ts';
import { sqliteFailedJobStore } from './failed-job-store.ts';
import { sqliteJobStore } from './job-store.ts';
import { sqliteMessageStore } from './message-store.ts';
import { prepareFile } from './prepare-file.ts';
import type { SqliteParts } from './sqlite-parts.ts';
import { StoreThread } from './store-thread.ts';
import { sqliteWorkStore } from './work-store.ts';

export interface SqliteStoreOptions {
  /** The database file; it and its folder are made when they are not there. */
  readonly file: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Longer than the longest operation takes, listing a bot's million jobs: past it, the thread is taken to be stuck. */
const STALL_MS = 300_000;

/**
 * Opens the embedded store: one SQLite file, one owner.
 * Rejects with `already_in_use`, `folder_unusable`, `store_corrupt` or `store_newer`; the message says what to do.
 */
export async function openSqliteStore({ file, clock, log }: SqliteStoreOptions): Promise<Store> {
  const path = resolvePath(file);
  const { lock, fence } = prepareFile(path, clock.now());
  const thread = { data: { file: path, fence }, clock, log, stallMs: STALL_MS };
  const parts: SqliteParts = {
    news: new ClaimableNews(),
    clock,
    log,
    writer: new StoreThread({ ...thread, script: new URL('./writer-thread.ts', import.meta.url) }),
    reader: new StoreThread({ ...thread, script: new URL('./reader-thread.ts', import.meta.url) }),
  };
  let closing: Promise<void> | null = null;
  const closeAll = async (): Promise<void> => {
    await parts.reader.close();
    await parts.writer.close();
    lock.release();
  };
  return {
    fence,
    ...sqliteChatStore(parts),
    ...sqliteMessageStore(parts),
    ...sqliteWorkStore(parts),
    ...sqliteJobStore(parts),
    ...sqliteFailedJobStore(parts),
    ...sqliteBotStore(parts),
    close: () => (closing ??= closeAll()),
  };
}
