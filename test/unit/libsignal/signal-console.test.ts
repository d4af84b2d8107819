import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { expect, test } from 'vitest';
import { LIBSIGNAL_NOTICES } from '../../../src/libsignal/signal-console.ts';

/** The texts with which the source code calls the console, comments left out. */
function printedBy(source: string): readonly string[] {
  const code = source.replaceAll(/^\s*\/\/.*$/gm, '');
  return [...code.matchAll(/console\.\w+\(\s*(["'`])(.+?)\1/g)].map(([, , text = '']) => text);
}

test('everything that this version of libsignal prints is known as its own', () => {
  const baileys = createRequire(import.meta.url).resolve('@whiskeysockets/baileys');
  const folder = path.join(path.dirname(createRequire(baileys).resolve('libsignal')), 'src');
  const files = readdirSync(folder).filter((name) => name.endsWith('.js'));
  const sources = files.map((name) => readFileSync(path.join(folder, name), 'utf8'));
  const printed = sources.flatMap(printedBy);
  expect(printed.length).toBe(sources.join('').match(/^[^/\n]*console\.\w+\(/gm)?.length);
  expect(printed).toContain('Closing session:');
  const unknown = printed.filter((text) => !LIBSIGNAL_NOTICES.some((notice) => text.startsWith(notice)));
  expect(unknown).toEqual([]);
});
