/**
 * Four floods of one pool on a simulated clock: how long the quiet bots wait, and how evenly all are served, under the
 * rule and under those it replaces.
 */
import { FLOODS, playFlood, POLICIES } from '../test/support/floods.ts';

const HEADER = ['', 'p99 wait', 'longest wait', '… for others', '… in claims', "Jain's index"];

export async function run(): Promise<void> {
  for (const flood of FLOODS) {
    const lines = POLICIES.map((policy) => {
      const result = playFlood(flood, policy);
      const waits = [result.p99WaitS, result.longestWaitS, result.longestWaitForOthersS];
      const seconds = waits.map((wait) => `${wait.toFixed(1)} s`);
      return [policy.name, ...seconds, `${result.longestWaitClaims}`, result.jain.toFixed(3)];
    });
    console.log(`\n${flood.name}; of the quiet bots:`);
    printColumns([HEADER, ...lines]);
  }
}

function printColumns(lines: readonly (readonly string[])[]): void {
  for (const [name = '', ...cells] of lines) {
    console.log(name.padEnd(26) + cells.map((cell) => cell.padStart(15)).join(''));
  }
}
