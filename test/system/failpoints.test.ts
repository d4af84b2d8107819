import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { runCrashes } from '../support/crash/crash-run.ts';
import { type CrashStore, mongoCrashStore, sqliteCrashStore } from '../support/crash/crash-store.ts';
import { again, isUnharmed } from '../support/crash/crash-words.ts';
import { type FailpointName, FAILPOINTS, SHARED_FAILPOINTS } from '../support/crash/failpoint-names.ts';
import type { Blow } from '../support/crash/lives.ts';
import { Script } from '../support/crash/script.ts';
import { MONGODB_URL, SKIPPED } from '../support/mongo-subject.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { SeededChoices } from '../support/simulation/seeded-choices.ts';

const TIMEOUT_MS = 3_600_000;
const ALL = process.env['DRAGOMAN_FAILPOINTS'] === 'all';
/** Each costs the start of a process: a quick run goes to a few, another few each time. */
const SAMPLE = 3;
/** Side by side, for a process that starts is at work on one core; each costs two starts more, at its ends. */
const CONVERSATIONS = ALL ? 3 : 1;

const newSeed = (): number => Math.floor(Math.random() * 2 ** 30);

function chosen(failpoints: readonly FailpointName[]): readonly FailpointName[] {
  if (ALL) return failpoints;
  // To come to the others something has to fail, to be done or to grow old first.
  const quick = failpoints.filter(({ way }) => way === 'talk' || way === 'start' || way === 'drain');
  const from = Math.floor(Math.random() * quick.length);
  return [...quick, ...quick].slice(from, from + SAMPLE);
}

/** What a conversation suffers that loses a process at each of the failpoints, and how to play it again; null: nothing. */
async function harmOf(
  share: readonly FailpointName[],
  folder: string,
  store: CrashStore,
): Promise<string | null> {
  const seed = newSeed();
  const command = again(seed, { failpoint: share.map(({ name }) => name) });
  console.log(`${store.kind}: ${command}`);
  const blows = share.map((failpoint): Blow => ({ kind: 'failpoint', failpoint, nth: 1 }));
  const report = await runCrashes({ folder, store, blows, seed });
  if (report.said === 0 || report.kills <= share.length)
    throw new Error('expected a conversation, and kills');
  const isSound = isUnharmed(report) && report.unreached.length === 0;
  return isSound ? null : `${JSON.stringify(report)}, again: ${command}`;
}

/** The same of several conversations, each with its share of the failpoints. */
async function harmOfAll(
  failpoints: readonly FailpointName[],
  storeIn: (folder: string) => CrashStore,
): Promise<readonly string[]> {
  const folder = await scratchFolder();
  const all = chosen(failpoints);
  const shares = Array.from({ length: CONVERSATIONS }, (_, nth) =>
    all.filter((_failpoint, index) => index % CONVERSATIONS === nth),
  );
  const harm = await Promise.all(
    shares.map(async (share, nth) => {
      const own = path.join(folder, `conversation-${nth}`);
      await mkdir(own);
      const store = storeIn(own);
      onTestFinished(() => store.dispose());
      return harmOf(share, own, store);
    }),
  );
  return harm.filter((each) => each !== null);
}

describe('killed at a failpoint and started again, a conversation leaves the history of an undisturbed one', () => {
  test(
    'on SQLite',
    async () => {
      expect(await harmOfAll(FAILPOINTS, sqliteCrashStore)).toEqual([]);
    },
    TIMEOUT_MS,
  );

  test.skipIf(MONGODB_URL === undefined)(
    `on MongoDB${MONGODB_URL === undefined ? ` (${SKIPPED})` : ''}`,
    async () => {
      expect(await harmOfAll(SHARED_FAILPOINTS, mongoCrashStore)).toEqual([]);
    },
    TIMEOUT_MS,
  );
});

function scriptOf(seed: number): unknown {
  const script = new Script(new SeededChoices(seed), true);
  return [Array.from({ length: 50 }, () => script.burst()), script.farewell()];
}

test('the same seed gives the same conversation, and another one another', () => {
  expect(scriptOf(1)).toEqual(scriptOf(1));
  expect(scriptOf(1)).not.toEqual(scriptOf(2));
});
