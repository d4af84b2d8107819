import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { scratchFolder } from '../scratch-folder.ts';
import { runCrashes } from './crash-run.ts';
import type { CrashStore } from './crash-store.ts';
import { again, isUnharmed } from './crash-words.ts';
import type { FailpointName } from './failpoint-names.ts';
import type { Blow } from './lives.ts';

/** What every store has to show. */
export const UNDISTURBED =
  'killed at a failpoint and started again, a conversation leaves the history of an undisturbed one';
export const FAILPOINTS_TIMEOUT_MS = 3_600_000;

/** `all`: those of both stores are dealt out over several conversations at a time. `sample`: a few, another few each time. */
export type FailpointRange = 'all' | 'sample';

/** Each costs the start of a process. */
const SAMPLE = 3;
/** Side by side, for a process that starts is at work on one core; each costs two starts more, at its ends. */
const CONVERSATIONS = { all: 3, sample: 1 } as const;

const newSeed = (): number => Math.floor(Math.random() * 2 ** 30);

function chosen(failpoints: readonly FailpointName[], range: FailpointRange): readonly FailpointName[] {
  if (range === 'all') return failpoints;
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
export async function harmOfAll(
  failpoints: readonly FailpointName[],
  storeIn: (folder: string) => CrashStore,
  range: FailpointRange,
): Promise<readonly string[]> {
  const folder = await scratchFolder();
  const all = chosen(failpoints, range);
  const conversations = CONVERSATIONS[range];
  const shares = Array.from({ length: conversations }, (_, nth) =>
    all.filter((_failpoint, index) => index % conversations === nth),
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
