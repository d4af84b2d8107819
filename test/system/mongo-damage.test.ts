import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { CorrespondentKey } from '../../src/jobs/job.ts';
import type { Store } from '../../src/store/store.ts';
import { media, mustClaim } from '../contract/store/jobs.ts';
import { chat } from '../contract/store/subject.ts';
import { MONGODB_URL, openStoreOn, SKIPPED, TestDatabase } from '../support/mongo-subject.ts';
import { NOW } from '../support/store-records.ts';
import { jobsIn } from '../support/jobs-in.ts';

/** A lease that has ended when it begins, by the server's clock. */
const LAPSED = -1;

if (MONGODB_URL === undefined) console.warn(`damage in a MongoDB store: ${SKIPPED}`);

describe.skipIf(MONGODB_URL === undefined)('a damaged job in a MongoDB store', () => {
  let database: TestDatabase;
  let store: Store;
  let key: CorrespondentKey;

  const damage = async (guid: string): Promise<void> => {
    const jobs = database.client.db().collection('media_processing_jobs');
    await jobs.updateOne({ guid }, { $unset: { placeholder_message: 1 } });
  };

  beforeAll(() => {
    database = new TestDatabase();
  });
  afterAll(() => database.drop());
  beforeEach(async () => {
    store = await openStoreOn(database.url);
    key = await chat(store, 'a');
  });
  afterEach(async () => {
    await store.close();
    await database.empty();
  });

  test('is left out of the jobs of its bot', async () => {
    const [damaged, sound] = [await media(store, key), await media(store, key)];
    await damage(damaged);
    expect((await jobsIn(store, 'bot-a', 'active')).map(({ guid }) => guid)).toEqual([sound]);
  });

  test('whose worker died lets the others be revived', async () => {
    for (let n = 0; n < 2; n += 1) await media(store, key);
    const [damaged, sound] = [await mustClaim(store, LAPSED), await mustClaim(store, LAPSED)];
    await damage(damaged.guid);
    const { poisoned } = await store.reviveJobs(NOW, 1);
    expect(poisoned.map(({ guid }) => guid)).toEqual([sound.guid]);
  });
});
