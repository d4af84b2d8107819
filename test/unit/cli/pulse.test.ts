import { rm, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { Pulse, pulseState } from '../../../src/cli/pulse.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { RecordingLogger } from '../../support/recording-logger.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

test('a process is alive while its pulse beats, late when it hangs, and gone when it ended in order', async () => {
  const dataFolder = await scratchFolder();
  const clock = new ManualClock();
  const stateOf = () => pulseState(dataFolder, 'backend', Date.now()).kind;
  expect(stateOf()).toBe('none');
  const pulse = new Pulse({ dataFolder, name: 'backend', clock, log: new RecordingLogger() });
  expect(stateOf()).toBe('alive');
  expect(pulseState(dataFolder, 'gateway', Date.now()).kind).toBe('none');

  const longAgo = new Date(Date.now() - 60_000);
  await utimes(path.join(dataFolder, 'backend.pulse'), longAgo, longAgo);
  expect(stateOf()).toBe('late');
  clock.advance(5_000);
  expect(stateOf()).toBe('alive');

  pulse.end();
  expect(stateOf()).toBe('none');
  clock.advance(60_000);
  expect(stateOf()).toBe('none');
});

test('a pulse that cannot be written is logged and ends nothing', async () => {
  const dataFolder = await scratchFolder();
  await rm(dataFolder, { recursive: true });
  await writeFile(dataFolder, 'in the way');
  const log = new RecordingLogger();
  new Pulse({ dataFolder, name: 'start', clock: new ManualClock(), log }).end();
  expect(log.lines[0]).toMatchObject({ level: 'warn', message: 'the pulse could not be written' });
});
