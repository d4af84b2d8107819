import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';

const POLL_MS = 10;

/** Resolves to the text of a file that another process writes, once it matches. */
export async function written(file: string, pattern: RegExp): Promise<string> {
  for (;;) {
    const text = await readFile(file, 'utf8').catch(() => '');
    if (pattern.test(text)) return text;
    await pause(POLL_MS);
  }
}
