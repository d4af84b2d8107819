import { expect, test } from 'vitest';
import { mongoCrashStore } from '../support/crash/crash-store.ts';
import {
  FAILPOINTS_TIMEOUT_MS,
  type FailpointRange,
  harmOfAll,
  UNDISTURBED,
} from '../support/crash/failpoint-conversations.ts';
import { SHARED_FAILPOINTS } from '../support/crash/failpoint-names.ts';
import { MONGODB_URL, SKIPPED } from '../support/mongo-subject.ts';

const RANGE: FailpointRange = process.env['DRAGOMAN_FAILPOINTS'] === 'all' ? 'all' : 'sample';

// Beside the one of SQLite, not behind it: processes that start one after another leave a core idle now and then.
test.skipIf(MONGODB_URL === undefined)(
  `${UNDISTURBED}, on MongoDB${MONGODB_URL === undefined ? ` (${SKIPPED})` : ''}`,
  async () => {
    expect(await harmOfAll(SHARED_FAILPOINTS, mongoCrashStore, RANGE)).toEqual([]);
  },
  FAILPOINTS_TIMEOUT_MS,
);
