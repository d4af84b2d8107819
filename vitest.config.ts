import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const project = (
  name: string,
  options: TestProjectInlineConfiguration['test'],
): TestProjectInlineConfiguration => ({
  test: { name, include: [`test/${name}/**/*.test.ts`], ...options },
});

const cores = availableParallelism();
/** Tests that keep a core at work. */
const busy = { maxWorkers: cores, sequence: { groupOrder: 0 } };
/** Tests that wait about as much as they work, for processes, servers or the disk, and none of which may rely on an idle machine. */
const waiting = { maxWorkers: cores + 1, sequence: { groupOrder: 1 } };

/** What takes longest in a quick run: begun last, one of them would keep a single core at work at the end. */
const LONGEST = [
  'property/simulation',
  'system/failpoints-mongo',
  'system/failpoints-sqlite',
  'contract/mongo',
  'contract/sqlite',
  'system/cli',
  'system/crash',
  'system/store-migrate',
  'system/cli-administration',
  'system/mongo-standby',
  'system/gateway-kill',
].map((name) => `/test/${name}.test.ts`);

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rankOf = ({ moduleId }: TestSpecification): number => {
      const rank = LONGEST.findIndex((name) => moduleId.endsWith(name));
      return rank === -1 ? LONGEST.length : rank;
    };
    return (await super.sort(files)).toSorted((one, other) => rankOf(one) - rankOf(other));
  }
}

const deep = process.env['DRAGOMAN_DEEP'] === '1';

// What one process compiled, the next one reads: they are many, and load much the same.
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(new URL('node_modules/.cache/node', import.meta.url));

export default defineConfig({
  test: {
    // A machine may be busy: what is waited for comes all the same, or the test's own deadline is over.
    expect: { poll: { timeout: 20_000 } },
    // One process for all files of a worker: to load Baileys and the store costs more than most tests do.
    isolate: false,
    sequence: { sequencer: LongestFirst },
    // Groups run one after another: a test that measures processes starves beside a property test on two cores.
    projects: [
      project('unit', { testTimeout: 5_000, ...busy }),
      project('property', { testTimeout: deep ? 1_800_000 : 60_000, ...busy }),
      project('contract', { testTimeout: 30_000, ...waiting }),
      project('system', { testTimeout: deep ? 1_800_000 : 90_000, ...waiting }),
    ],
    coverage: { provider: 'v8', include: ['src/**/*.ts'], reporter: ['text', 'html'] },
  },
});
