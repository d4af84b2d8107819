import { afterAll, beforeAll, describe } from 'vitest';
import { mongoCutSubject } from '../support/mongo-cuts.ts';
import {
  MONGODB_URL,
  mongoSubject,
  mongoSubjectOfHosts,
  restartedMongo,
  SKIPPED,
  TestDatabase,
} from '../support/mongo-subject.ts';
import { describeStore } from './store.contract.ts';
import { claimerSuite } from './store/claimers.ts';
import { describeClockSteps } from './store/clock-steps.ts';
import { describeCuts } from './store/cuts.ts';
import { describeModel } from './store/model.ts';
import type { StoreSubject } from './store/subject.ts';

const isDeep = process.env['DRAGOMAN_DEEP'] === '1';
if (MONGODB_URL === undefined) console.warn(`the MongoDB store's contract: ${SKIPPED}`);

describe.skipIf(MONGODB_URL === undefined)('on a real server', () => {
  let database: TestDatabase;
  const open = (): Promise<StoreSubject> => mongoSubject(database);
  beforeAll(() => {
    database = new TestDatabase();
  });
  afterAll(() => database.drop());

  describeStore('the MongoDB store', open);
  describe.each([2, 4])('whose jobs are claimed by %i worker processes', (hosts) => {
    claimerSuite(() => mongoSubjectOfHosts(database, hosts));
  });
  describeClockSteps('the MongoDB store', () => restartedMongo(database), { hasOwnClock: true });
  // Each cut costs a deadline.
  describeCuts('the MongoDB store', () => mongoCutSubject(database), isDeep ? 1 : 4);
  describeModel('the MongoDB store', open, isDeep ? { runs: 50, calls: 400 } : { runs: 3, calls: 200 });
});
