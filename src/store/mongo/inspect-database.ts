import { metaOf } from './collections.ts';
import { openingFailure } from './mongo-errors.ts';
import { appName, databaseName, newClient } from './open-mongo-store.ts';
import { SCHEMA_VERSION } from './prepare-database.ts';
import { COPY_MARK_COLLECTION } from './unfinished-copy.ts';

/** What a database is, found out without changing it. */
export interface DatabaseState {
  readonly server: string;
  /** Whether the server has transactions. */
  readonly replicaSet: boolean;
  /** Null: nothing of Dragoman's is there yet. */
  readonly schema: number | null;
  readonly newestSchema: number;
  readonly unfinishedCopy: boolean;
  /** The server's clock minus this host's, in milliseconds. */
  readonly clockAheadMs: number;
}

/** Rejects as `openMongoStore` does. `now`: this host's clock. */
export async function inspectDatabase(
  url: string,
  callDeadlineMs: number,
  now: () => number,
): Promise<DatabaseState> {
  const client = newClient(url, { callDeadlineMs, appName: `${appName(url)}:doctor` });
  try {
    const database = client.db(databaseName(url));
    const server = await database.admin().command({ hello: 1 });
    const asked = now();
    const { localTime } = await database.admin().command({ hello: 1 });
    const answered = now();
    const meta = await metaOf(database).findOne({ _id: 'schema' });
    return {
      server: client.options.hosts.join(', '),
      replicaSet: server['setName'] !== undefined || server['msg'] === 'isdbgrid',
      schema: meta?.value ?? null,
      newestSchema: SCHEMA_VERSION,
      unfinishedCopy: (await database.collection(COPY_MARK_COLLECTION).findOne()) !== null,
      clockAheadMs: localTime instanceof Date ? localTime.getTime() - (asked + answered) / 2 : 0,
    };
  } catch (error) {
    throw openingFailure(`MongoDB at ${client.options.hosts.join(', ')}`, error);
  } finally {
    await client.close();
  }
}
