import { DragomanError, hasCode } from '../base/errors.ts';
import type { Guid } from '../base/ids.ts';
import type { Logger } from '../base/log.ts';
import type { CorrespondentKey, JobCollection } from '../jobs/job.ts';
import { chatName } from './chat-name.ts';

/** Records are trusted to be what this program wrote, but a damaged one is told by name. */

/** The views (SQLite) or collections (MongoDB) that hold the jobs. */
export const JOB_COLLECTION_NAMES: Readonly<Record<JobCollection, string>> = {
  active: 'media_processing_jobs',
  holding: 'media_processing_jobs_holding',
  failed: 'media_processing_jobs_failed',
};

/** Names one record for whoever has to look at it: a name is made only of a record that is damaged. */
export type RecordName = () => { readonly collection: string; readonly key: string };

export const journalRecord =
  (chat: CorrespondentKey, id: number): RecordName =>
  () => ({ collection: 'queue_journal', key: `${chatName(chat)}/${id}` });

export const historyRecord =
  (chat: CorrespondentKey, id: number): RecordName =>
  () => ({ collection: 'queues', key: `${chatName(chat)}/${id}` });

export const jobRecord =
  (collection: JobCollection, guid: Guid): RecordName =>
  () => ({ collection: JOB_COLLECTION_NAMES[collection], key: guid });

/** Runs `read`, which decodes one record, and reports a record that does not decode as `store_corrupt`. */
export function readRecord<T>(nameOf: RecordName, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    const { collection, key } = nameOf();
    throw new DragomanError('store_corrupt', `${collection}: the record ${key} is damaged`, { cause });
  }
}

/** Decodes each of `records`. A damaged one is logged by name and left out: it must not cost the others their lives. */
export function readSound<Row, T>(records: readonly Row[], read: (record: Row) => T, log: Logger): T[] {
  return records.flatMap((record) => {
    try {
      return [read(record)];
    } catch (error) {
      if (!hasCode(error, 'store_corrupt')) throw error;
      log.error({ error: error.message }, 'a damaged record is left out');
      return [];
    }
  });
}
