import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Blow, type CrashReport, runCrashes } from '../support/crash/crash-run.ts';
import { type CrashStore, mongoCrashStore, sqliteCrashStore } from '../support/crash/crash-store.ts';
import { FAILPOINTS } from '../support/crash/failpoint-names.ts';
import { MONGODB_URL, SKIPPED } from '../support/mongo-subject.ts';
import { scratchFolder } from '../support/scratch-folder.ts';

const TIMEOUT_MS = 1_200_000;
const ALL = process.env['DRAGOMAN_FAILPOINTS'] === 'all';
/** Each costs the start of a process: a quick run goes to a few, another few each time. */
const SAMPLE = 3;
/** Side by side, for a process that starts is at work on one core; each costs two starts more, at its ends. */
const CONVERSATIONS = ALL ? 3 : 1;

const blows: readonly Blow[] = FAILPOINTS.map((failpoint) => ({ kind: 'failpoint', nth: 1, ...failpoint }));

function chosen(): readonly Blow[] {
  if (ALL) return blows;
  const from = Math.floor(Math.random() * blows.length);
  return [...blows, ...blows].slice(from, from + SAMPLE);
}

/** What of a report must be empty. */
type Damage = Omit<CrashReport, 'sent' | 'kills'>;

const NONE: Damage = { unreached: [], lost: [], doubled: [], misplaced: [], wrong: [], leftovers: [] };
const UNHARMED = Array.from({ length: CONVERSATIONS }, () => NONE);

/** What conversations bear that lose a process at each of the failpoints, each at its share of them. */
async function damageOf(storeIn: (folder: string) => CrashStore): Promise<readonly Damage[]> {
  const folder = await scratchFolder();
  const all = chosen();
  console.log(`failpoints: ${all.map((blow) => (blow.kind === 'failpoint' ? blow.name : '')).join(', ')}`);
  const shares = Array.from({ length: CONVERSATIONS }, (_, nth) =>
    all.filter((_blow, index) => index % CONVERSATIONS === nth),
  );
  return Promise.all(
    shares.map(async (share, nth) => {
      const own = path.join(folder, `conversation-${nth}`);
      await mkdir(own);
      const store = storeIn(own);
      onTestFinished(() => store.dispose());
      const { sent, kills, ...damage } = await runCrashes({ folder: own, store, blows: share });
      if (sent === 0 || kills <= share.length) throw new Error('expected a conversation, and kills');
      return damage;
    }),
  );
}

describe('killed at a failpoint and started again, a conversation leaves the history of an undisturbed one', () => {
  test(
    'on SQLite',
    async () => {
      expect(await damageOf(sqliteCrashStore)).toEqual(UNHARMED);
    },
    TIMEOUT_MS,
  );

  test.skipIf(MONGODB_URL === undefined)(
    `on MongoDB${MONGODB_URL === undefined ? ` (${SKIPPED})` : ''}`,
    async () => {
      expect(await damageOf(mongoCrashStore)).toEqual(UNHARMED);
    },
    TIMEOUT_MS,
  );
});
