/**
 * `npm run crash -- [--kills 300] [--seed N] [--failpoint NAME]`: kills Dragoman so often over one conversation, at random
 * failpoints and at random moments, some of them while it recovers, and tells what that did to the history, to jobs and
 * files and to a bot's program. Conversation, kills and what an operator does are drawn from the seed; how far the conversation
 * is at a kill is not. Exit code 1 if anything is lost, doubled or left. `MONGODB_URL` is used where it is set, else SQLite.
 * `--failpoint` (again and again) dies at those alone, in this order.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { MONGODB_URL } from '../mongo-subject.ts';
import { SeededChoices } from '../simulation/seeded-choices.ts';
import { again, isUnharmed, shown } from './crash-words.ts';
import { runCrashes } from './crash-run.ts';
import { mongoCrashStore, sqliteCrashStore } from './crash-store.ts';
import { type FailpointName, FAILPOINTS, SHARED_FAILPOINTS } from './failpoint-names.ts';
import type { Blow } from './lives.ts';

const LATEST_NTH = 4;

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '300' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 30)) },
    failpoint: { type: 'string', multiple: true },
  },
});
const seed = Number(values.seed);
const choices = new SeededChoices(seed + 2);
const failpoints = MONGODB_URL === undefined ? FAILPOINTS : SHARED_FAILPOINTS;

function randomBlow(): Blow {
  if (choices.chance(0.25)) return { kind: 'moment', after: 'spawned', waitMs: choices.between(300, 2_500) };
  if (choices.chance(0.3)) return { kind: 'moment', after: 'up', waitMs: choices.between(0, 1_500) };
  const [first, ...others] = failpoints;
  if (first === undefined) throw new Error('expected failpoints');
  const failpoint = choices.one<FailpointName>(first, ...others);
  // To the others a process may come once alone.
  return { kind: 'failpoint', failpoint, nth: failpoint.way === 'talk' ? choices.between(1, LATEST_NTH) : 1 };
}

const tell = (blow: Blow): void => console.log(shown(blow));

function named(name: string): Blow {
  const failpoint = failpoints.find((each) => each.name === name);
  if (failpoint === undefined) {
    throw new Error(`expected one of: ${failpoints.map((each) => each.name).join(', ')}`);
  }
  return { kind: 'failpoint', failpoint, nth: 1 };
}

const blows = values.failpoint?.map(named) ?? Array.from({ length: Number(values.kills) }, randomBlow);
const folder = await mkdtemp(path.join(tmpdir(), 'dragoman-crash-'));
const store = MONGODB_URL === undefined ? sqliteCrashStore(folder) : mongoCrashStore();
console.log(`${blows.length} kills on ${store.kind}, seed ${seed}`);
try {
  const isRestless = values.failpoint === undefined;
  const report = await runCrashes({ folder, store, blows, seed, isRestless, told: tell });
  console.log(JSON.stringify(report));
  if (!isUnharmed(report)) process.exitCode = 1;
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  if (process.exitCode === 1) console.log(`again: ${again(seed, values)}`);
  await store.dispose();
  await rm(folder, { recursive: true, force: true });
}
