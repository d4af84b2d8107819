import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const root = new URL('../../../', import.meta.url);
const text = readFileSync(new URL('ARCHITECTURE.md', root), 'utf8');
const named = [...text.matchAll(/`((?:src|docs|scripts)\/[\w./-]+)`/g)].map(([, path]) => path ?? '');

test('every path that ARCHITECTURE.md names exists', () => {
  expect(named.length).toBeGreaterThan(15);
  expect(named.filter((path) => !existsSync(new URL(path, root)))).toEqual([]);
});

test("ARCHITECTURE.md starts with the five files of a voice note's journey", () => {
  const journey = text.slice(0, text.indexOf('## Two programs'));
  expect([...journey.matchAll(/^\| \d \| `src\//gm)]).toHaveLength(5);
});

test('every folder of src is in the table', () => {
  const folders = readdirSync(new URL('src', root)).map((name) => `src/${name}`);
  expect(folders.filter((folder) => !named.includes(folder))).toEqual([]);
});
