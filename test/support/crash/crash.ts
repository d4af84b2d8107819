/**
 * `npm run crash -- [--kills 300] [--seed N] [--failpoint NAME]`: kills Dragoman so often over one conversation, at random
 * failpoints and at random moments, some of them while it recovers, and tells what that did to the history. Exit code 1 if
 * anything is lost, doubled or left. `MONGODB_URL` is used where it is set, else SQLite. `--failpoint` (again and again)
 * dies at those alone, in this order.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { MONGODB_URL } from '../mongo-subject.ts';
import { SeededChoices } from '../simulation/seeded-choices.ts';
import { type Blow, runCrashes } from './crash-run.ts';
import { mongoCrashStore, sqliteCrashStore } from './crash-store.ts';
import { FAILPOINTS, type FailpointName } from './failpoint-names.ts';

const LATEST_NTH = 4;

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '300' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 30)) },
    failpoint: { type: 'string', multiple: true },
  },
});
const choices = new SeededChoices(Number(values.seed));

function randomBlow(): Blow {
  if (choices.chance(0.25)) return { kind: 'moment', after: 'spawned', waitMs: choices.between(300, 2_500) };
  if (choices.chance(0.3)) return { kind: 'moment', after: 'up', waitMs: choices.between(0, 1_500) };
  const [first, ...others] = FAILPOINTS;
  if (first === undefined) throw new Error('expected failpoints');
  return at(choices.one<FailpointName>(first, ...others), choices.between(1, LATEST_NTH));
}

const at = ({ name, drains }: FailpointName, nth: number): Blow => ({ kind: 'failpoint', name, nth, drains });

function named(name: string): Blow {
  const failpoint = FAILPOINTS.find((each) => each.name === name);
  if (failpoint === undefined) {
    throw new Error(`expected one of: ${FAILPOINTS.map((each) => each.name).join(', ')}`);
  }
  return at(failpoint, 1);
}

const blows = values.failpoint?.map(named) ?? Array.from({ length: Number(values.kills) }, randomBlow);
const folder = await mkdtemp(path.join(tmpdir(), 'dragoman-crash-'));
const store = MONGODB_URL === undefined ? sqliteCrashStore(folder) : mongoCrashStore();
console.log(
  `${blows.length} kills on ${MONGODB_URL === undefined ? 'SQLite' : 'MongoDB'}, seed ${values.seed}`,
);
try {
  const { unreached, ...report } = await runCrashes({
    folder,
    store,
    blows,
    told: (blow) => console.log(JSON.stringify(blow)),
  });
  const { lost, doubled, misplaced, wrong, leftovers } = report;
  console.log(JSON.stringify({ ...report, unreached }));
  if ([lost, doubled, misplaced, wrong, leftovers].some((each) => each.length > 0)) {
    console.log(`again: npm run crash -- --kills ${values.kills} --seed ${values.seed}`);
    process.exitCode = 1;
  }
} finally {
  await store.dispose();
  await rm(folder, { recursive: true, force: true });
}
