import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../../src/base/clock.ts';
import { DragomanError } from '../../../../src/base/errors.ts';
import type { CorrespondentKey } from '../../../../src/jobs/job.ts';
import type { Message, Placeholder } from '../../../../src/queue/message.ts';
import { chatName } from '../../../../src/store/chat-name.ts';
import { mediaMetadataJson, messageJson } from '../../../../src/store/sqlite/rows.ts';
import { APPLICATION_ID, META_TABLE, MIGRATIONS } from '../../../../src/store/sqlite/schema.ts';
import { openSqliteStore } from '../../../../src/store/sqlite/sqlite-store.ts';
import type { Store } from '../../../../src/store/store.ts';
import { chat } from '../../../contract/store/subject.ts';
import { RecordingLogger } from '../../../support/recording-logger.ts';
import { openStoreAt } from '../../../support/sqlite-subject.ts';
import {
  acceptMedia,
  acceptText,
  jobError,
  keyOf,
  mediaMetadata,
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

  test('of the first schema is read: without the times of media, and with the messages of its jobs', async () => {
    const key = keyOf('a');
    const [placeholder, text] = [placeholderMessage(1), textMessage(2, { receivedTime: null })];
    writeFirstSchema(file, key, placeholder, text);
    const store = await open();
    const job = await store.jobByGuid(placeholder.mediaProcessingId);
    expect(job).toMatchObject({ placeholder, status: 'pending', stagedAt: null, claimedAt: null });
    expect((await store.rehydrate(key)).messages).toMatchObject([
      placeholder,
      { id: 2, receivedTime: null, mediaTimes: null },
    ]);
    await store.claim({ pool: 'audio', now: NOW, leaseMs: 1, cappedBots: [] });
    expect(await store.discardJob(placeholder.mediaProcessingId, null, NOW)).toBe(true);
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
            UPDATE job_placeholders SET message = '[]' WHERE seq = (SELECT seq FROM jobs WHERE guid = '${placeholder.mediaProcessingId}')`);

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
    tamper(
      `UPDATE job_placeholders SET message = '["secret"' WHERE seq = (SELECT seq FROM jobs WHERE guid = '${guid}')`,
    );

    const log = new RecordingLogger();
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
    tamper(
      `UPDATE job_placeholders SET message = '[]' WHERE seq = (SELECT seq FROM jobs WHERE guid = '${damaged?.guid}')`,
    );

    const { poisoned } = await (await open()).reviveJobs(NOW + 1, 1);
    expect(poisoned.map(({ guid }) => guid)).toEqual([sound?.guid]);
  });
});

/** A file as the first schema's program left it: one chat with a medium and a text. */
function writeFirstSchema(file: string, key: CorrespondentKey, medium: Placeholder, text: Message): void {
  mkdirSync(dirname(file), { recursive: true });
  using database = new DatabaseSync(file);
  database.exec(`PRAGMA application_id = ${APPLICATION_ID}; ${META_TABLE}; ${MIGRATIONS[0]};
                 INSERT INTO meta VALUES ('schema_version', 1)`);
  const { botId, providerName, correspondentId } = key;
  const names = [botId, providerName, correspondentId];
  database.prepare('INSERT INTO correspondents VALUES (1, ?, ?, ?, 3, 1, 0, 0)').run(...names);
  database.prepare('INSERT INTO correspondent_aliases VALUES (?, ?, ?, 1)').run(...names);
  const entry = database.prepare('INSERT INTO queue_journal VALUES (?, ?, ?, ?, ?, ?)');
  for (const message of [medium, text]) {
    entry.run(...names, message.id, message.mediaProcessingId, messageJson(message));
  }
  database
    .prepare(
      `INSERT INTO jobs (guid, collection, bot_id, provider_name, correspondent_id, status, pool, round, attempts,
         created_at, changed_at, mime_type, media_metadata, placeholder_message)
       VALUES (?, 'active', ?, ?, ?, 'pending', 'audio', 1, 0, 0, 0, 'audio/ogg', ?, ?)`,
    )
    .run(medium.mediaProcessingId, ...names, mediaMetadataJson(mediaMetadata()), messageJson(medium));
}
