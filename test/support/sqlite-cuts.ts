import { DatabaseSync } from 'node:sqlite';
import type { CutSubject } from '../contract/store/cuts.ts';
import { openStoreAt } from './sqlite-subject.ts';
import { join } from 'node:path';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';

/** Every table that a transaction of a chat or a job writes to. */
const TABLES = [
  'correspondents',
  'queue_journal',
  'queues',
  'message_ids',
  'jobs',
  'job_placeholders',
  'media_turns',
];

const POINTS = TABLES.flatMap((table) =>
  ['INSERT', 'UPDATE', 'DELETE'].map(
    (event) => `CREATE TRIGGER cut AFTER ${event} ON ${table} BEGIN SELECT RAISE(ABORT, 'cut'); END`,
  ),
);

/** An SQLite store whose transactions fail right after they have written to one of the tables. */
export async function sqliteCutSubject(): Promise<CutSubject> {
  const folder = mkdtempSync(join(tmpdir(), 'dragoman-cuts-'));
  const file = join(folder, 'dragoman.db');
  const store = await openStoreAt(file);
  const database = new DatabaseSync(file, { timeout: 5_000 });
  return {
    store,
    cutAt(n) {
      const trigger = POINTS[n];
      if (trigger !== undefined) database.exec(trigger);
      return trigger !== undefined;
    },
    mend: () => database.exec('DROP TRIGGER cut'),
    async dispose() {
      database.close();
      await store.close();
      rmSync(folder, { recursive: true });
    },
  };
}
