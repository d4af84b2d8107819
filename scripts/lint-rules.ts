/**
 * Writes .oxlintrc.json from the one matrix that says which folder may import which.
 * `node scripts/lint-rules.ts` writes, `node scripts/lint-rules.ts --check` fails when the file is out of date.
 */
import { readFileSync, writeFileSync } from 'node:fs';

/** Folder of src → folders it may import besides itself. `cli` joins everything. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  base: [],
  queue: ['base'],
  jobs: ['base', 'queue'],
  protocol: ['base', 'queue', 'jobs'],
  store: ['base', 'queue', 'jobs', 'protocol'],
  staging: ['base', 'protocol'],
  libsignal: ['base'],
  processors: ['base', 'queue', 'jobs', 'protocol', 'store', 'staging'],
  actors: ['base', 'queue', 'jobs', 'protocol', 'store', 'staging', 'processors'],
  gateway: ['base', 'protocol', 'staging', 'libsignal'],
  system: ['base', 'queue', 'jobs', 'protocol', 'store', 'staging', 'processors', 'actors', 'gateway'],
  inspector: ['base', 'queue', 'jobs', 'protocol', 'store', 'staging', 'actors', 'system'],
  simulator: ['base', 'protocol', 'libsignal'],
};
const FOLDERS = [...Object.keys(MAY_IMPORT), 'cli'];
const PURE = ['queue', 'jobs', 'protocol'];

/** Packages that belong to one or two folders; all others are refused them. */
const OWNERS: Record<string, readonly string[]> = {
  '@whiskeysockets/baileys': ['gateway', 'simulator'],
  comedy: ['actors'],
  fastify: ['inspector'],
  'prom-client': ['inspector'],
  protobufjs: ['gateway'],
  mongodb: ['store'],
  'node:sqlite': ['base', 'store', 'gateway'],
};

const TIMELESS_GLOBALS = [
  'Date',
  'performance',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'Promise',
  'process',
  'console',
  'crypto',
  'fetch',
  'structuredClone',
  'Buffer',
  'WebSocket',
  'AbortSignal',
  'AbortController',
  'globalThis',
];

interface Pattern {
  regex: string;
  message: string;
}

function importPatterns(folder: string): Pattern[] {
  const allowed = MAY_IMPORT[folder] ?? [];
  const strangers = FOLDERS.filter((other) => other !== folder && !allowed.includes(other));
  const foreignPackages = Object.keys(OWNERS).filter((name) => !OWNERS[name]?.includes(folder));
  const purity: Pattern =
    folder === 'protocol'
      ? { regex: '^[^.z]', message: 'protocol is pure: no node:*, no package but zod' }
      : { regex: '^[^.]', message: `${folder} is pure: no node:*, no package` };
  return [
    PURE.includes(folder)
      ? purity
      : { regex: `^(${foreignPackages.join('|')})(/|$)`, message: 'this package belongs to another folder' },
    {
      regex: `^(\\.\\./)+(${strangers.join('|')})/`,
      message: `${folder} may import ${allowed.join(', ') || 'nothing'} only`,
    },
    { regex: '/(src|test)/', message: 'a relative path that leaves src' },
    { regex: '^\\.{1,2}/.*\\.js$', message: 'write .ts: Node runs the file that is there' },
  ];
}

const restrictImports = (patterns: Pattern[]) => ['error', { patterns }] as const;

const config = {
  $schema: './node_modules/oxlint/configuration_schema.json',
  plugins: ['typescript', 'unicorn', 'oxc', 'import', 'promise', 'node', 'vitest'],
  options: { typeAware: true },
  categories: { correctness: 'error', suspicious: 'error' },
  rules: {
    'import/no-cycle': 'error',
    'import/no-default-export': 'error',
    'oxc/no-barrel-file': ['error', { threshold: 0 }],
    'typescript/no-explicit-any': 'error',
    'typescript/no-non-null-assertion': 'error',
    'typescript/consistent-type-imports': 'error',
    'typescript/no-floating-promises': 'error',
    'typescript/no-misused-promises': 'error',
    'typescript/switch-exhaustiveness-check': 'error',
    'typescript/only-throw-error': 'error',
    'typescript/return-await': ['error', 'in-try-catch'],
    'no-console': 'error',
    'unicorn/require-post-message-target-origin': 'off',
    'typescript/no-unsafe-enum-comparison': 'off',
    'vitest/no-conditional-tests': 'off',
    // tsc already refuses a path that returns nothing, and knows an exhaustive switch when it sees one
    'typescript/consistent-return': 'off',
    'import/no-named-as-default-member': 'off',
    'vitest/expect-expect': ['error', { assertFunctionNames: ['expect', 'expectTypeOf', 'fc.assert'] }],
    'max-lines': ['warn', { max: 300, skipBlankLines: true, skipComments: true }],
  },
  overrides: [
    ...Object.keys(MAY_IMPORT).map((folder) => ({
      files: [`src/${folder}/**`],
      rules: { 'no-restricted-imports': restrictImports(importPatterns(folder)) },
    })),
    {
      files: ['src/inspector/page/**'],
      rules: {
        'no-restricted-imports': restrictImports([
          { regex: '^node:', message: 'the page runs in a browser' },
          { regex: `^(?:[^.]|\\.\\.).*\\.ts$`, message: 'the page is served as it is: JavaScript' },
        ]),
      },
    },
    {
      files: ['src/actors/*.ts'],
      rules: {
        'no-restricted-imports': restrictImports([
          { regex: '^comedy(/|$)', message: 'only actors/kit knows comedy' },
          ...importPatterns('actors'),
        ]),
      },
    },
    {
      files: ['src/queue/**', 'src/jobs/**'],
      rules: {
        'no-restricted-globals': [
          'error',
          ...TIMELESS_GLOBALS.map((name) => ({
            name,
            message: 'pure code takes time, ids and randomness as arguments',
          })),
        ],
        'no-restricted-properties': [
          'error',
          { object: 'Math', property: 'random', message: 'pure code is given its randomness' },
        ],
        'oxc/no-async-await': 'error',
      },
    },
    { files: ['src/cli/**', 'test/**', 'bench/**', 'scripts/**'], rules: { 'no-console': 'off' } },
    {
      files: ['test/**', 'bench/**', '*.config.ts'],
      rules: {
        'import/no-default-export': 'off',
        'max-lines': 'off',
        // tests read back what they wrote themselves
        'typescript/no-unsafe-type-assertion': 'off',
        'typescript/unbound-method': 'off',
        // properties expect one thing or another of what was drawn
        'vitest/no-conditional-expect': 'off',
        'vitest/valid-expect': ['error', { maxArgs: 2 }],
      },
    },
  ],
};

const target = new URL('../.oxlintrc.json', import.meta.url);
const wanted = `${JSON.stringify(config, null, 2)}\n`;
if (!process.argv.includes('--check')) writeFileSync(target, wanted);
else if (readFileSync(target, 'utf8') !== wanted) {
  console.error('.oxlintrc.json is out of date: run node scripts/lint-rules.ts');
  process.exitCode = 1;
}
