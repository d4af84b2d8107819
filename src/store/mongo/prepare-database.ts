import type { Db } from 'mongodb';
import { DragomanError } from '../../base/errors.ts';
import { INDEXES, metaOf } from './collections.ts';

/** Counts the changes that an older program could not live with. */
const SCHEMA_VERSION = 1;

/**
 * Takes a database into use: makes the collections and indexes that are missing, beside whoever else does the same,
 * and makes this the newest owner. Returns its fencing token.
 * Throws `config_invalid` for a server without transactions, and `store_newer`.
 */
export async function prepareDatabase(database: Db): Promise<number> {
  await expectTransactions(database);
  const meta = metaOf(database);
  const known = await meta.findOne({ _id: 'schema' });
  refuseNewer(database, known);
  const wanted = Object.entries(INDEXES);
  await Promise.all(wanted.map(([name, indexes]) => database.collection(name).createIndexes([...indexes])));
  const schema = await meta.findOneAndUpdate(
    { _id: 'schema' },
    { $max: { version: SCHEMA_VERSION } },
    { upsert: true, returnDocument: 'after' },
  );
  refuseNewer(database, schema);
  const owner = await meta.findOneAndUpdate(
    { _id: 'owner' },
    { $inc: { fence: 1 } },
    { upsert: true, returnDocument: 'after' },
  );
  return owner.fence;
}
