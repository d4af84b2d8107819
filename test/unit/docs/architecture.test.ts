import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const read = (path: string): string => readFileSync(`${root}/${path}`, 'utf8');
const named = (text: string, pattern: RegExp): readonly string[] =>
  [...text.matchAll(pattern)].map(([, name]) => name ?? '');

const PATH = /`((?:src|docs|scripts|test|bench|docker)\/[\w./-]+)`/g;
const architecture = read('ARCHITECTURE.md');
const guides = ['README.md', 'ARCHITECTURE.md', ...globSync('docs/**/*.md', { cwd: root })];

test.each(guides)('every path and every test that %s names exists', (guide) => {
  const text = read(guide);
  expect(named(text, PATH).filter((path) => !existsSync(`${root}/${path}`))).toEqual([]);
  const tests = globSync('test/**/*.test.ts', { cwd: root }).map((path) => basename(path));
  expect(named(text, /`([\w-]+\.test\.ts)`/g).filter((name) => !tests.includes(name))).toEqual([]);
});

test("ARCHITECTURE.md starts with the five files of a voice note's journey", () => {
  const journey = architecture.slice(0, architecture.indexOf('## Two programs'));
  expect([...journey.matchAll(/^\| \d \| `src\//gm)]).toHaveLength(5);
});

test('every folder of src is in the table of ARCHITECTURE.md', () => {
  const folders = readdirSync(`${root}/src`).map((name) => `src/${name}`);
  const paths = named(architecture, PATH);
  expect(folders.filter((folder) => !paths.includes(folder))).toEqual([]);
});
