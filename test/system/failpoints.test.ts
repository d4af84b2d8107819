import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Blow, runCrashes } from '../support/crash/crash-run.ts';
import { type CrashStore, mongoCrashStore, sqliteCrashStore } from '../support/crash/crash-store.ts';
import { FAILPOINTS } from '../support/crash/failpoint-names.ts';
import { MONGODB_URL, SKIPPED } from '../support/mongo-subject.ts';
import { scratchFolder } from '../support/scratch-folder.ts';

const TIMEOUT_MS = 900_000;
/** Conversations side by side: a process that starts is at work on one core. */
const CONVERSATIONS = 3;

const blows: readonly Blow[] = FAILPOINTS.map((failpoint) => ({ kind: 'failpoint', nth: 1, ...failpoint }));

/** One conversation after the other loses a process at each of the failpoints that are its share. */
async function dieEverywhere(storeIn: (folder: string) => CrashStore): Promise<void> {
  const folder = await scratchFolder();
  const shares = Array.from({ length: CONVERSATIONS }, (_, nth) =>
    blows.filter((_blow, index) => index % CONVERSATIONS === nth),
  );
  await Promise.all(
    shares.map(async (share, nth) => {
      const own = path.join(folder, `conversation-${nth}`);
      await mkdir(own);
      const store = storeIn(own);
      onTestFinished(() => store.dispose());
      const { sent, kills, ...report } = await runCrashes({ folder: own, store, blows: share });
      expect(kills).toBe(share.length + 1);
      expect(sent).toBeGreaterThan(share.length);
      expect(report).toEqual({
        unreached: [],
        lost: [],
        doubled: [],
        misplaced: [],
        wrong: [],
        leftovers: [],
      });
    }),
  );
}

describe('killed at every failpoint, once each, and started again, a conversation leaves the history of an undisturbed one', () => {
  test('on SQLite', () => dieEverywhere(sqliteCrashStore), TIMEOUT_MS);

  test.skipIf(MONGODB_URL === undefined)(
    `on MongoDB${MONGODB_URL === undefined ? ` (${SKIPPED})` : ''}`,
    () => dieEverywhere(mongoCrashStore),
    TIMEOUT_MS,
  );
});
