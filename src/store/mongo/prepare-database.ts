import type { Collection, Db } from 'mongodb';
import { DragomanError } from '../../base/errors.ts';
import { INDEXES, metaOf, type MetaDocument } from './collections.ts';
import { refuseUnfinishedCopy } from './unfinished-copy.ts';

/** Rises with each change of the collections that an older program would not understand. */
export const SCHEMA_VERSION = 1;

/**
 * Makes the collections and indexes that are missing, beside whoever else does the same.
 * Throws `config_invalid` for a server without transactions, `store_newer`, and `already_in_use` when it is the target of
 * an unfinished copy, unless it is prepared for that copy.
 */
export async function prepareDatabase(database: Db, purpose: 'own' | 'copy' = 'own'): Promise<void> {
  await expectTransactions(database);
  if (purpose === 'own') await refuseUnfinishedCopy(database);
  const meta = metaOf(database);
  const schema = await meta.findOne({ _id: 'schema' });
  refuseNewer(database, schema?.value ?? SCHEMA_VERSION);
  for (const [name, indexes] of Object.entries(INDEXES)) {
    await database.collection(name).createIndexes([...indexes]);
  }
  // A newer program may have been here since.
  refuseNewer(database, await raise(meta, 'schema', { $max: { value: SCHEMA_VERSION } }));
}

/** Makes this the newest owner. Returns its fencing token. */
export const raiseFence = (database: Db): Promise<number> =>
  raise(metaOf(database), 'owner', { $inc: { value: 1 } });

/** From now on this owner writes, and no former one. Its lease is taken, and their open transactions are ended, before. */
export async function beginWriting(database: Db, fence: number): Promise<void> {
  await raise(metaOf(database), 'fence', { $max: { value: fence } });
}

async function expectTransactions(database: Db): Promise<void> {
  const server = await database.admin().command({ hello: 1 });
  if (server['setName'] !== undefined || server['msg'] === 'isdbgrid') return;
  throw new DragomanError(
    'config_invalid',
    'expected a MongoDB replica set, for its transactions, got a single server: ' +
      'start it with --replSet (one node is enough) and initiate the set',
  );
}

function refuseNewer(database: Db, version: number): void {
  if (version <= SCHEMA_VERSION) return;
  throw new DragomanError(
    'store_newer',
    `the database ${database.databaseName} was written by a newer Dragoman (schema ${version}, this one knows ` +
      `${SCHEMA_VERSION}): update Dragoman, or restore the backup made before the update`,
  );
}

/** Applies `change` to one document of `meta`, which is made when it is not there. Returns its value from then on. */
async function raise(
  meta: Collection<MetaDocument>,
  _id: MetaDocument['_id'],
  change: { readonly $max: { readonly value: number } } | { readonly $inc: { readonly value: number } },
): Promise<number> {
  const document = await meta.findOneAndUpdate({ _id }, change, { upsert: true, returnDocument: 'after' });
  if (document === null)
    throw new DragomanError('invariant_broken', `expected an upsert to leave meta/${_id}`);
  return document.value;
}
