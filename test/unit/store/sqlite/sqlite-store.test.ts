import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../../src/base/clock.ts';
import { DragomanError } from '../../../../src/base/errors.ts';
import { chatName } from '../../../../src/store/chat-name.ts';
import { openSqliteStore } from '../../../../src/store/sqlite/sqlite-store.ts';
import type { Store } from '../../../../src/store/store.ts';
import { chat } from '../../../contract/store/subject.ts';
import { RecordingLog } from '../../../support/recording-log.ts';
import { openStoreAt } from '../../../support/sqlite-subject.ts';
import {
  acceptMedia,
  acceptText,
  jobError,
  newJob,
  NOW,
  placeholderMessage,
  textMessage,
} from '../../../support/store-records.ts';
import { jobsIn } from '../../../support/jobs-in.ts';

const damage = (collection: string, key: string): object => ({
  code: 'store_corrupt',
  message: `${collection}: the record ${key} is damaged`,
});

describe('an SQLite store file', () => {
  let folder: string;
  let file: string;
  const stores: Store[] = [];

  const open = async (path = file): Promise<Store> => {
    const store = await openStoreAt(path);
    stores.push(store);
    return store;
  };
  const refusal = async (path = file): Promise<DragomanError> => {
    const error = await open(path).then(
      () => 'opened',
      (reason: unknown) => reason,
    );
    if (error instanceof DragomanError) return error;
    throw new Error(`expected a refusal, got ${String(error)}`);
  };
  /** Runs SQL on the file behind the store's back. */
  const tamper = (sql: string): void => {
    const database = new DatabaseSync(file);
    database.exec(sql);
    database.close();
  };
  const closeAll = async (): Promise<void> => {
    for (const store of stores.splice(0)) await store.close();
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dragoman-file-'));
    file = join(folder, 'data', 'dragoman.db');
  });
  afterEach(async () => {
    await closeAll();
    rmSync(folder, { recursive: true });
  });

  test('is made with its folder', async () => {
    await open();
    expect(existsSync(file)).toBe(true);
  });

  test('has one owner: a second one is told which file it is and what to do', async () => {
    await open();
    const { code, message } = await refusal();
    expect(code).toBe('already_in_use');
    expect(message).toContain(file);
    expect(message).toContain('stop that one');
  });

  test('has one owner, by whichever path it is opened', async () => {
    await open();
    const alias = join(folder, 'alias.db');
    symlinkSync(file, alias);
    expect((await refusal(alias)).code).toBe('already_in_use');
  });

  test('is free again after its store was closed', async () => {
    const first = await open();
    await first.close();
    await expect(open()).resolves.toBeDefined();
  });

  test('in a place that is no folder is refused with what to do', async () => {
    writeFileSync(join(folder, 'data'), 'a file');
    const { code, message } = await refusal();
    expect(code).toBe('folder_unusable');
    expect(message).toContain(join(folder, 'data'));
    expect(message).toContain('choose another data folder');
  });

  test('that is a folder is refused', async () => {
    expect((await refusal(folder)).code).toBe('folder_unusable');
  });

  test('that is no database is refused and left as it is', async () => {
    file = join(folder, 'notes.db');
    const content = 'dear diary, '.repeat(1_000);
    writeFileSync(file, content);
    const { code, message } = await refusal();
    expect(code).toBe('store_corrupt');
    expect(message).toContain('move it away');
    expect(message).not.toContain('\n');
    expect(readFileSync(file, 'utf8')).toBe(content);
  });

  test('of another program is refused and left as it is', async () => {
    file = join(folder, 'other.db');
    tamper('CREATE TABLE recipes (name TEXT)');
    const { code, message } = await refusal();
    expect(code).toBe('store_corrupt');
    expect(message).toContain('another program');
    const tables = new DatabaseSync(file).prepare('SELECT name FROM sqlite_schema').all();
    expect(tables).toHaveLength(1);
  });

  test('of a newer Dragoman is refused with both versions', async () => {
    await open();
    await closeAll();
    tamper(`UPDATE meta SET value = value + 98 WHERE key = 'schema_version'`);
    const { code, message } = await refusal();
    expect(code).toBe('store_newer');
    expect(message).toContain('knows');
    tamper(`UPDATE meta SET value = value - 98 WHERE key = 'schema_version'`);
    await expect(open()).resolves.toBeDefined();
  });

  test('of before media had times is read without them', async () => {
    const store = await open();
    const key = await chat(store, 'a');
    const placeholder = placeholderMessage(1);
    await store.accept(acceptMedia(key, placeholder));
    await store.accept(acceptText(key, textMessage(2)));
    await closeAll();
    tamper(`ALTER TABLE jobs DROP COLUMN staged_at; ALTER TABLE jobs DROP COLUMN claimed_at;
            ALTER TABLE jobs DROP COLUMN completed_at;
            UPDATE queue_journal SET message = json_remove(message, '$.received_time');
            UPDATE meta SET value = 1 WHERE key = 'schema_version'`);
    const again = await open();
    const job = await again.jobByGuid(placeholder.mediaProcessingId);
    expect(job).toMatchObject({ stagedAt: null, claimedAt: null, completedAt: null });
    const { messages } = await again.rehydrate(key);
    expect(messages[1]).toMatchObject({ id: 2, receivedTime: null, mediaTimes: null });
  });

  test('has the collections, the views and the compound index that people look for', async () => {
    await open();
    await closeAll();
    const database = new DatabaseSync(file, { readOnly: true });
    const names = database
      .prepare('SELECT name FROM sqlite_schema')
      .all()
      .map(({ name }) => name);
    const columns = database
      .prepare(`SELECT name FROM pragma_index_info('queues_by_id')`)
      .all()
      .map(({ name }) => name);
    database.close();
    for (const name of [
      'media_processing_jobs',
      'media_processing_jobs_holding',
      'media_processing_jobs_failed',
      'queue_journal',
      'queues',
      'correspondents',
      'message_ids',
      'media_turns',
      'bots',
    ]) {
      expect(names).toContain(name);
    }
    expect(columns).toEqual(['bot_id', 'provider_name', 'correspondent_id', 'id']);
  });

  test('with a damaged record tells which one it is, and serves the others', async () => {
    const store = await open();
    const [damaged, sound] = [await chat(store, 'damaged'), await chat(store, 'sound')];
    const placeholder = placeholderMessage(2);
    for (const key of [damaged, sound]) await store.accept(acceptText(key, textMessage(1)));
    await store.accept(acceptMedia(damaged, placeholder));
    const failed = placeholderMessage(3);
    const start = { kind: 'failed', error: jobError(), placeholder: failed } as const;
    await store.accept({
      ...acceptText(damaged, textMessage(3)),
      job: newJob(failed.mediaProcessingId, { start }),
    });
    await store.ingest({ correspondent: damaged, messages: [textMessage(1)], now: NOW });
    await closeAll();
    tamper(`UPDATE queues SET message = '{"id":1,"content":' WHERE correspondent_id = 'damaged';
            UPDATE queue_journal SET message = '{"id":3,"content":null}' WHERE correspondent_id = 'damaged';
            UPDATE jobs SET placeholder_message = '[]' WHERE guid = '${placeholder.mediaProcessingId}'`);

    const again = await open();
    await expect(again.history(damaged, { afterSeq: 0, limit: 9 })).rejects.toMatchObject(
      damage('queues', `${chatName(damaged)}/1`),
    );
    await expect(again.rehydrate(damaged)).rejects.toMatchObject(
      damage('queue_journal', `${chatName(damaged)}/2`),
    );
    const guid = placeholder.mediaProcessingId;
    await expect(again.jobByGuid(guid)).rejects.toMatchObject(damage('media_processing_jobs', guid));
    expect((await again.rehydrate(sound)).messages).toEqual([textMessage(1)]);
    expect(await again.jobByGuid(failed.mediaProcessingId)).toMatchObject({ error: jobError() });
  });

  test('with a damaged job gives the others of its bot, and logs which one it is', async () => {
    const store = await open();
    const key = await chat(store, 'a');
    const [damaged, sound] = [placeholderMessage(1), placeholderMessage(2)];
    for (const placeholder of [damaged, sound]) await store.accept(acceptMedia(key, placeholder));
    await closeAll();
    const guid = damaged.mediaProcessingId;
    tamper(`UPDATE jobs SET placeholder_message = '["secret"' WHERE guid = '${guid}'`);

    const log = new RecordingLog();
    const again = await openSqliteStore({ file, clock: systemClock(), log });
    stores.push(again);
    const jobs = await jobsIn(again, 'bot-a', 'active');
    expect(jobs.map((job) => job.guid)).toEqual([sound.mediaProcessingId]);
    const error = `media_processing_jobs: the record ${guid} is damaged`;
    expect(log.lines).toMatchObject([{ level: 'error', fields: { error } }]);
    expect(JSON.stringify(log.lines)).not.toContain('secret');
  });

  test('with a damaged job of a dead worker revives the others', async () => {
    const store = await open();
    const key = await chat(store, 'a');
    for (const id of [1, 2]) await store.accept(acceptMedia(key, placeholderMessage(id)));
    const request = { pool: 'audio', now: NOW, leaseMs: 1, cappedBots: [] };
    const [damaged, sound] = [await store.claim(request), await store.claim(request)];
    await closeAll();
    tamper(`UPDATE jobs SET placeholder_message = '[]' WHERE guid = '${damaged?.guid}'`);

    const { poisoned } = await (await open()).reviveJobs(NOW + 1, 1);
    expect(poisoned.map(({ guid }) => guid)).toEqual([sound?.guid]);
  });
});
