import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { scratchFolder } from '../support/scratch-folder.ts';

const FILE_MIB = 320;

test('a gateway does not grow with the file that it downloads', async () => {
  const script = fileURLToPath(new URL('../support/download-memory-process.ts', import.meta.url));
  const dir = await scratchFolder();
  const { stdout } = await promisify(execFile)(process.execPath, [script, dir, String(FILE_MIB)]);
  expect(Number(stdout)).toBeLessThan(FILE_MIB / 3);
});
