import path from 'node:path';
import { expect, test } from 'vitest';
import { isRunning, untilGone } from '../support/pids.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { Spawned } from '../support/spawned.ts';
import { written } from '../support/written.ts';

test('kill -9 of Dragoman ends its processors, though they block, and what they have started', async () => {
  const file = path.join(await scratchFolder(), 'pids');
  const dragoman = Spawned.start('./isolating-process.ts', file);
  const pids = (await written(file, /^\d+ \d+$/)).split(' ').map(Number);
  expect(pids.filter(isRunning)).toHaveLength(2);
  await dragoman.kill();
  await Promise.all(pids.map(untilGone));
});
