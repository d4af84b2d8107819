import { expect, test } from 'vitest';
import { linesOf } from '../../../src/cli/job-lines.ts';
import { jobViewOf } from '../../../src/system/administration/shown.ts';
import { claimedJob } from '../../support/claimed-job.ts';

const ERASES_THE_SCREEN = '\u001B[2J';

test('a job is told a fact a line, whatever its sender called the file and its processor said', () => {
  const job = claimedJob({
    originalFilename: `a${ERASES_THE_SCREEN}\nguid         another\u202Egnp.exe`,
    mimeType: `image/x${ERASES_THE_SCREEN}`,
    error: {
      code: 'failed',
      reason: `no decoder\r\nresult       fine${ERASES_THE_SCREEN}`,
      stack: `Error: no decoder\n    at decode${ERASES_THE_SCREEN} (decoder.js:1:2)`,
    },
  });
  const lines = linesOf(jobViewOf(job));
  expect(lines.filter((line) => /\p{Cc}|\p{Cf}/u.test(line))).toEqual([]);
  expect(lines.filter((line) => line.startsWith('guid'))).toEqual([`guid         ${job.guid}`]);
  expect(lines.filter((line) => line.startsWith('file'))).toEqual([
    expect.stringContaining('a [2J guid another gnp.exe, '),
  ]);
  expect(lines).toContain('error        failed: no decoder result fine [2J');
  expect(lines.slice(-2)).toEqual(['  Error: no decoder', '  at decode [2J (decoder.js:1:2)']);
});
