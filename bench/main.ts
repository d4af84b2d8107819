/** `npm run bench -- queue actors`: runs the named benchmarks one after another, all of them when none is named. */

interface Benchmark {
  run(): Promise<void>;
}

const BENCHMARKS: Readonly<Record<string, () => Promise<Benchmark>>> = {
  queue: () => import('./queue.ts'),
  actors: () => import('./actors.ts'),
  store: () => import('./store.ts'),
  'store-mongo': () => import('./store-mongo.ts'),
  download: () => import('./download.ts'),
  jobs: () => import('./jobs.ts'),
  fairness: () => import('./fairness.ts'),
  soak: () => import('./soak.ts'),
  page: () => import('./page.ts'),
};

const known = Object.keys(BENCHMARKS);
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  console.error(`expected one of ${known.join(', ')}, got ${unknown.join(', ')}`);
  process.exitCode = 64;
} else {
  for (const name of wanted.length > 0 ? wanted : known) {
    console.log(`\n# ${name}`);
    const benchmark = await BENCHMARKS[name]?.();
    await benchmark?.run();
  }
}
