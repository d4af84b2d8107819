/**
 * `npm run simulation -- [--from N] [--count N]`: simulates the conversations of so many seeds and prints, as one line of
 * JSON, what came of them. `--seed N` plays one and prints what happens, step by step. `--bug NAME` plants a bug and stops
 * at the first seed that finds it; `--bugs` does that with each of them.
 */
import { parseArgs } from 'node:util';
import type { PlantedBug } from './planted-bug.ts';
import { PLANTED_BUGS } from './planted-bugs.ts';
import { combined, simulate, type SimulationResult } from './simulated-world.ts';

/** What many conversations came to. */
export interface SimulationReport {
  readonly from: number;
  readonly conversations: number;
  /** Of all traces; the same seeds have the same. */
  readonly hash: string;
  readonly violations: readonly { readonly seed: number; readonly message: string }[];
  readonly counts: Readonly<Record<string, number>>;
}

export interface FoundBug {
  readonly bug: string;
  /** Null: no seed found it. */
  readonly seed: number | null;
  readonly message: string | null;
}

const MOST_VIOLATIONS = 5;
const BUG_SEEDS = 1_500;

async function simulateMany(from: number, count: number): Promise<SimulationReport> {
  const hashes: number[] = [];
  const violations: { readonly seed: number; readonly message: string }[] = [];
  const counts = new Map<string, number>();
  for (let seed = from; seed < from + count && violations.length < MOST_VIOLATIONS; seed += 1) {
    const result = await simulate(seed);
    hashes.push(result.traceHash);
    for (const [what, times] of result.counts) counts.set(what, (counts.get(what) ?? 0) + times);
    if (result.violation !== null) violations.push({ seed, message: result.violation.message });
  }
  return {
    from,
    conversations: hashes.length,
    hash: combined(hashes),
    violations,
    counts: Object.fromEntries(counts),
  };
}

async function find(name: string, bug: PlantedBug): Promise<FoundBug> {
  const emphasis = bug.emphasis === undefined ? {} : { emphasis: bug.emphasis };
  for (let seed = 1; seed <= BUG_SEEDS; seed += 1) {
    const { violation } = await simulate(seed, { bug, ...emphasis });
    if (violation === null) continue;
    // What breaks without the bug too was not found by it.
    const { violation: without } = await simulate(seed, emphasis);
    if (without === null) return { bug: name, seed, message: violation.message };
  }
  return { bug: name, seed: null, message: null };
}

function show({ seed, lines, violation, traceHash }: SimulationResult): void {
  console.log((lines ?? []).join('\n'));
  console.log(`seed ${seed}, trace ${traceHash}: ${violation?.message ?? 'every invariant held'}`);
}

// What is thrown is looked at by its code; the stacks of thousands of expected errors only cost time.
const stackTraceLimit = Error.stackTraceLimit;
const { values } = parseArgs({
  options: {
    from: { type: 'string', default: '1' },
    count: { type: 'string', default: '1000' },
    seed: { type: 'string' },
    bug: { type: 'string' },
    bugs: { type: 'boolean', default: false },
  },
});
const { seed, bug: bugName } = values;
const bug = bugName === undefined ? undefined : PLANTED_BUGS[bugName];
if (bugName !== undefined && bug === undefined) {
  throw new Error(`expected one of: ${Object.keys(PLANTED_BUGS).join('; ')}`);
}
Error.stackTraceLimit = seed === undefined ? 0 : stackTraceLimit;
if (seed !== undefined) {
  const emphasis = bug?.emphasis === undefined ? {} : { emphasis: bug.emphasis };
  show(await simulate(Number(seed), { keepLines: true, ...(bug && { bug }), ...emphasis }));
} else if (bugName !== undefined && bug !== undefined) {
  console.log(JSON.stringify([await find(bugName, bug)]));
} else if (values.bugs) {
  const found: FoundBug[] = [];
  for (const [name, planted] of Object.entries(PLANTED_BUGS)) found.push(await find(name, planted));
  console.log(JSON.stringify(found));
} else {
  console.log(JSON.stringify(await simulateMany(Number(values.from), Number(values.count))));
}
