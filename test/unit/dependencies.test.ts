import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { z } from 'zod';

const lockfile = z.object({ packages: z.record(z.string(), z.object({ version: z.string().optional() })) });

/** The first version without a published defect that this program would be exposed to. */
const FLOORS = {
  // CVE-2026-48779, CVE-2026-62389, CVE-2026-45736
  ws: '8.21.1',
  // CVE-2026-44291
  protobufjs: '7.5.6',
  // CVE-2026-48063
  '@whiskeysockets/baileys': '7.0.0-rc13',
} as const;

const numbersOf = (version: string): readonly number[] => version.match(/\d+/g)?.map(Number) ?? [];

function isAtLeast(version: string, floor: string): boolean {
  const [have, want] = [numbersOf(version), numbersOf(floor)];
  const differing = want.findIndex((number, index) => have[index] !== number);
  return differing < 0 || (have[differing] ?? 0) > (want[differing] ?? 0);
}

test.each(Object.entries(FLOORS))('every copy of %s is at %s or later', async (name, floor) => {
  const text = await readFile(new URL('../../package-lock.json', import.meta.url), 'utf8');
  const copies = Object.entries(lockfile.parse(JSON.parse(text)).packages)
    .filter(([where]) => where.endsWith(`node_modules/${name}`))
    .map(([, { version = '' }]) => version);
  expect(copies.length).toBeGreaterThan(0);
  expect(copies.filter((version) => !isAtLeast(version, floor))).toEqual([]);
});
