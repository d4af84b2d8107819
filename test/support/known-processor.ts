import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { ProcessMedia } from '../../src/processors/media.ts';

const WORK_MS = 50;

/** What the processor says of a medium. */
export const wordsOf = (guid: string): string => `words of ${guid}`;

/** A processor whose processes can be found: each leaves a file named after its pid in `options.folder`. */
export function createProcessor({ options }: { options: Readonly<Record<string, unknown>> }): ProcessMedia {
  writeFileSync(path.join(String(options['folder']), String(process.pid)), '');
  return {
    async processMedia(_file, _mimeType, { guid }, signal) {
      await pause(WORK_MS, undefined, { signal });
      return wordsOf(guid);
    },
  };
}
