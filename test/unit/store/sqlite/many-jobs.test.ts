import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CorrespondentKey } from '../../../../src/jobs/job.ts';
import type { Store } from '../../../../src/store/store.ts';
import { chat } from '../../../contract/store/subject.ts';
import { openStoreAt } from '../../../support/sqlite-subject.ts';
import {
  acceptMedia,
  acceptText,
  NOW,
  placeholderMessage,
  stagedMedia,
  textMessage,
} from '../../../support/store-records.ts';
import { jobsIn } from '../../../support/jobs-in.ts';

/** Four steps of a move, the last of them not full. */
const MANY = 6_100;
/** The same, of the sweep. */
const MANY_SWEPT = 15_100;
const DOWNLOADING = { start: { kind: 'downloading' } } as const;

describe('an SQLite store with many jobs', () => {
  let folder: string;
  let store: Store;
  let key: CorrespondentKey;

  /** Makes copies of the chat's only job, behind the store's back. */
  const multiplyJob = (many = MANY): void => {
    using database = new DatabaseSync(join(folder, 'dragoman.db'));
    const names = database
      .prepare(`SELECT name FROM pragma_table_info('jobs') WHERE name NOT IN ('seq', 'guid')`)
      .all()
      .map(({ name }) => name);
    database
      .prepare(
        `WITH RECURSIVE copies (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM copies WHERE n < ?)
         INSERT INTO jobs (guid, ${names.join()}) SELECT 'copy-' || n, ${names.join()} FROM jobs, copies`,
      )
      .run(many);
    database.exec(`INSERT INTO job_placeholders SELECT jobs.seq, message FROM jobs, job_placeholders AS first
                   WHERE jobs.seq <> first.seq`);
  };

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'dragoman-jobs-'));
    store = await openStoreAt(join(folder, 'dragoman.db'));
    key = await chat(store, 'a');
  });
  afterEach(async () => {
    await store.close();
    rmSync(folder, { recursive: true });
  });

  test.for(['sweepToHolding', 'holdJobs', 'promoteJobs'] as const)(
    '%s moves them all in steps, between which an accept is carried out',
    async (operation) => {
      const collection = operation === 'promoteJobs' ? 'holding' : 'active';
      const many = operation === 'sweepToHolding' ? MANY_SWEPT : MANY;
      await store.accept(acceptMedia(key, placeholderMessage(1), { collection }));
      multiplyJob(many);
      const done: string[] = [];
      const moving =
        operation === 'sweepToHolding' ? store.sweepToHolding(NOW) : store[operation]('bot-a', NOW);
      // The sweep begins with a read. Behind another one and a look-up, the first step of every move is over.
      if (operation === 'sweepToHolding') await store.bots();
      await store.jobByGuid('none');
      const accepting = store.accept(acceptText(key, textMessage(2)));
      await Promise.all([
        moving.finally(() => done.push('moved')),
        accepting.finally(() => done.push('accepted')),
      ]);
      expect(await moving).toBe(many);
      expect(await jobsIn(store, 'bot-a', collection)).toEqual([]);
      expect(done).toEqual(['accepted', 'moved']);
    },
  );

  test('the sweep writes each page of jobs once, however the bots take turns on it', async () => {
    await store.accept(acceptMedia(key, placeholderMessage(1)));
    multiplyJob();
    const file = join(folder, 'dragoman.db');
    {
      using database = new DatabaseSync(file);
      database.exec(`UPDATE jobs SET bot_id = 'bot-' || (seq % 8)`);
      database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    }
    await store.sweepToHolding(NOW);
    expect(statSync(`${file}-wal`).size).toBeLessThan(1.5 * statSync(file).size);
  });

  test('promoting gives the jobs of a chat one round after another, in arrival order', async () => {
    await store.accept(acceptMedia(key, placeholderMessage(1), { collection: 'holding' }));
    multiplyJob();
    await store.promoteJobs('bot-a', NOW);
    const rounds = (await jobsIn(store, 'bot-a', 'active')).map(({ round }) => round);
    expect(rounds).toEqual(Array.from({ length: MANY }, (_, index) => index + 1));
  });

  test('a hold and a promotion at the same time both end', async () => {
    await store.accept(acceptMedia(key, placeholderMessage(1)));
    multiplyJob();
    await Promise.all([store.holdJobs('bot-a', NOW), store.promoteJobs('bot-a', NOW)]);
    const counts = await store.countJobs();
    expect(counts.reduce((sum, { count }) => sum + count, 0)).toBe(MANY);
  });

  test('a job is looked up after the writes that were begun before', async () => {
    const placeholder = placeholderMessage(1);
    await store.accept(acceptMedia(key, placeholder, DOWNLOADING));
    const guid = placeholder.mediaProcessingId;
    const [, job] = await Promise.all([store.stage(guid, stagedMedia(), NOW), store.jobByGuid(guid)]);
    expect(job?.status).toBe('pending');
  });
});
