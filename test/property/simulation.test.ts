import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import type { FoundBug, SimulationReport } from '../support/simulation/simulate.ts';

const SCRIPT = fileURLToPath(new URL('../support/simulation/simulate.ts', import.meta.url));
const CONVERSATIONS = Number(process.env['DRAGOMAN_SIMULATIONS'] ?? 100);
/** From there on every rare state is reached, and it is worth the time to look for planted bugs. */
const ENOUGH = 4_000;
const IS_SHORT = CONVERSATIONS < ENOUGH;
const FRESH_SEED = Math.floor(Math.random() * 2 ** 30);
const TIMEOUT_MS = 600_000;

/** In a process of its own: each takes a core, and the promises of comedy are scheduled otherwise there. */
async function simulation<T>(...args: readonly string[]): Promise<T> {
  const command = ['--max-semi-space-size=32', SCRIPT, ...args];
  const { stdout } = await promisify(execFile)(process.execPath, command, { timeout: TIMEOUT_MS });
  return JSON.parse(stdout) as T;
}

const simulated = (from: number, count: number): Promise<SimulationReport> =>
  simulation('--from', String(from), '--count', String(count));

/** What a mishap may lead to once in a blue moon, and what some code is there for. */
const RARE_STATES = [
  'killed while it recovers',
  'killed while it drains',
  'killed after accept',
  'killed after settle',
  'killed after complete',
  'killed after completeAndSettle',
  'killed after ingest',
  'committed after the process died',
  'commit unheard',
  'clock set back',
  'clock set forward',
  'lease lapsed',
  'stale completion',
  'stale heartbeat',
  'reinstated',
  'released',
  'postponed',
  'duplicate',
  'evicted',
  'staged: unknown',
  'staged: already',
  'drained',
] as const;

test(
  `simulated conversations, from fixed and from fresh seeds, keep every invariant at every step`,
  async () => {
    console.log(`simulation: ${CONVERSATIONS} conversations, the fresh ones from seed ${FRESH_SEED}`);
    const half = Math.ceil(CONVERSATIONS / 2);
    const [fixed, fresh] = await Promise.all([simulated(1, half), simulated(FRESH_SEED, half)]);
    expect([...fixed.violations, ...fresh.violations], 'npm run simulation -- --seed N shows one').toEqual(
      [],
    );
    // Rare is rare: a few hundred conversations may go without.
    for (const state of IS_SHORT ? [] : RARE_STATES) {
      const times = (fixed.counts[state] ?? 0) + (fresh.counts[state] ?? 0);
      expect(times, state).toBeGreaterThan(0);
    }
  },
  TIMEOUT_MS,
);

test(
  'the same seeds leave the same trace, others another one',
  async () => {
    const [once, again, others] = await Promise.all([simulated(1, 40), simulated(1, 40), simulated(2, 40)]);
    expect(again).toEqual(once);
    expect(others.hash).not.toBe(once.hash);
  },
  TIMEOUT_MS,
);

test.skipIf(IS_SHORT)(
  `each planted bug is found${IS_SHORT ? ` (skipped: DRAGOMAN_SIMULATIONS is below ${ENOUGH})` : ''}`,
  async () => {
    const found = await simulation<FoundBug[]>('--bugs');
    expect(found.length).toBeGreaterThanOrEqual(10);
    expect(found.filter(({ seed }) => seed === null)).toEqual([]);
  },
  TIMEOUT_MS,
);
