import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';

const project = (
  name: string,
  options: TestProjectInlineConfiguration['test'],
): TestProjectInlineConfiguration => ({
  test: { name, include: [`test/${name}/**/*.test.ts`], ...options },
});

const deep = process.env['DRAGOMAN_DEEP'] === '1';

export default defineConfig({
  test: {
    // A machine may be busy: what is waited for comes all the same, or the test's own deadline is over.
    expect: { poll: { timeout: 20_000 } },
    // Groups run one after another: a test that measures processes starves beside a property test on two cores.
    projects: [
      project('unit', { testTimeout: 5_000, sequence: { groupOrder: 0 } }),
      project('property', { testTimeout: deep ? 1_800_000 : 60_000, sequence: { groupOrder: 0 } }),
      project('contract', {
        testTimeout: 30_000,
        sequence: { groupOrder: 1 },
      }),
      project('system', {
        testTimeout: deep ? 1_800_000 : 90_000,
        sequence: { groupOrder: 2 },
        // They wait more than they work, and none of them may rely on an idle machine.
        maxWorkers: 2,
      }),
    ],
    coverage: { provider: 'v8', include: ['src/**/*.ts'], reporter: ['text', 'html'] },
  },
});
