/** `npm run bench -- queue actors`: runs the named benchmarks one after another, all of them when none is named. */
import { readdirSync } from 'node:fs';

const SUPPORT = new Set(['main', 'measure']);
const known = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -'.ts'.length))
  .filter((name) => !SUPPORT.has(name));

interface Benchmark {
  run(): Promise<void>;
}

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  console.error(`expected one of ${known.join(', ')}, got ${unknown.join(', ')}`);
  process.exitCode = 64;
} else {
  for (const name of wanted.length > 0 ? wanted : known) {
    const benchmark = (await import(`./${name}.ts`)) as Benchmark;
    console.log(`\n# ${name}`);
    await benchmark.run();
  }
}
