import { expect, test } from 'vitest';
import { sqliteCrashStore } from '../support/crash/crash-store.ts';
import {
  FAILPOINTS_TIMEOUT_MS,
  type FailpointRange,
  harmOfAll,
  UNDISTURBED,
} from '../support/crash/failpoint-conversations.ts';
import { FAILPOINTS } from '../support/crash/failpoint-names.ts';
import { Script } from '../support/crash/script.ts';
import { SeededChoices } from '../support/simulation/seeded-choices.ts';

const RANGE: FailpointRange = process.env['DRAGOMAN_FAILPOINTS'] === 'all' ? 'all' : 'sample';

test(
  `${UNDISTURBED}, on SQLite`,
  async () => {
    expect(await harmOfAll(FAILPOINTS, sqliteCrashStore, RANGE)).toEqual([]);
  },
  FAILPOINTS_TIMEOUT_MS,
);

function scriptOf(seed: number): unknown {
  const script = new Script(new SeededChoices(seed), true);
  return [Array.from({ length: 50 }, () => script.burst()), script.farewell()];
}

test('the same seed gives the same conversation, and another one another', () => {
  expect(scriptOf(1)).toEqual(scriptOf(1));
  expect(scriptOf(1)).not.toEqual(scriptOf(2));
});
