import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Document, MongoClient } from 'mongodb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { acknowledgedIn, writeUntilKilled } from '../support/killed-writer.ts';
import { MONGODB_URL, openStoreOn, SKIPPED, TestDatabase } from '../support/mongo-subject.ts';
import { keyOf } from '../support/store-records.ts';

const ROUNDS = process.env['DRAGOMAN_DEEP'] === '1' ? 20 : 3;
/** Acknowledged writes before the kill: a different moment in each round. */
const writesBeforeKill = (round: number): number => 150 + round * 77;

if (MONGODB_URL === undefined) console.warn(`kill -9 of a process that writes to MongoDB: ${SKIPPED}`);

const nameOf = (message: Document): string => `${message['correspondent_id']} ${message['id']}`;
const guidOf = (job: Document): string => job['guid'];

/** What the database holds, read without the store. At one point in time: a commit may still be under way. */
function contentOf(client: MongoClient): Promise<{
  readonly accepted: string[];
  readonly ingested: string[];
  readonly completed: string[];
  readonly placeholders: string[];
  readonly jobs: string[];
}> {
  return client.withSession({ snapshot: true }, async (session) => {
    const all = (collection: string): Promise<Document[]> =>
      client.db().collection(collection).find({}, { session }).toArray();
    const [queued, ingested] = [await all('queue_journal'), await all('queues')];
    const jobs = await all('media_processing_jobs');
    return {
      accepted: [...queued, ...ingested].map(nameOf),
      ingested: ingested.map(nameOf),
      completed: jobs.filter((job) => job['status'] === 'completed').map(guidOf),
      placeholders: queued.flatMap((message): string => message['media_processing_id'] ?? []),
      jobs: jobs.map(guidOf),
    };
  });
}

describe.skipIf(MONGODB_URL === undefined)('kill -9 in the middle of writing to MongoDB', () => {
  let database: TestDatabase;
  let folder: string;
  beforeAll(() => {
    database = new TestDatabase();
    folder = mkdtempSync(join(tmpdir(), 'dragoman-kill-'));
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await database.drop();
  });

  test(`S1, S4: ${ROUNDS} times, every acknowledged write is there and none twice`, async () => {
    const log = join(folder, 'acknowledged');
    for (let round = 0; round < ROUNDS; round += 1) {
      expect(await writeUntilKilled(database.url, log, writesBeforeKill(round))).toBe('SIGKILL');
      const content = await contentOf(database.client);
      expect(new Set(content.accepted).size).toBe(content.accepted.length);
      expect(content.placeholders.toSorted()).toEqual(content.jobs.toSorted());
      for (const what of ['accepted', 'ingested', 'completed'] as const) {
        const there = new Set(content[what]);
        expect(acknowledgedIn(log, what).filter((name) => !there.has(name))).toEqual([]);
      }
    }
    expect(acknowledgedIn(log, 'accepted').length).toBeGreaterThan(ROUNDS * 50);
    expect(acknowledgedIn(log, 'completed').length).toBeGreaterThan(0);

    const store = await openStoreOn(database.url);
    const { nextId, messages } = await store.rehydrate(keyOf('chat-0'));
    const history = await store.history(keyOf('chat-0'), { afterSeq: 0, limit: 1_000_000 });
    const ids = [...messages, ...history.map(({ message }) => message)].map(({ id }) => id);
    expect(Math.max(...ids)).toBe(nextId - 1);
    expect(history.map(({ ingestSeq }) => ingestSeq)).toEqual(history.map((_, index) => index + 1));
    await store.close();
  });
});
