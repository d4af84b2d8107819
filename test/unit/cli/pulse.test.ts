import { readdir, rm, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { beingHere, judge, Pulse, pulsesIn, type Being } from '../../../src/cli/pulse.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { RecordingLogger } from '../../support/recording-logger.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

const HERE = beingHere();
/** Above every process number there can be. */
const DEAD_PID = 2 ** 30;

describe('a process', () => {
  let dataFolder: string;
  let clock: ManualClock;
  beforeEach(async () => {
    dataFolder = await scratchFolder();
    clock = new ManualClock();
  });
  const pulseOf = (being: Partial<Being> = {}): Pulse => {
    const log = new RecordingLogger();
    const pulse = new Pulse({ dataFolder, name: 'worker', being: { ...HERE, ...being }, clock, log });
    onTestFinished(() => pulse.end());
    return pulse;
  };
  const state = () => judge(pulsesIn(dataFolder, 'worker', Date.now()), HERE.host).state;
  /** As if its last beat had been long ago. */
  const hang = async ({ host, pid }: Partial<Being> = {}): Promise<void> => {
    const longAgo = new Date(Date.now() - 60_000);
    await utimes(
      path.join(dataFolder, `worker.${host ?? HERE.host}.${pid ?? HERE.pid}.pulse`),
      longAgo,
      longAgo,
    );
  };

  test('is alive while its pulse beats, late when it hangs, and gone when it ended in order', async () => {
    expect(state()).toBe('none');
    const pulse = pulseOf();
    expect(state()).toBe('alive');
    expect(pulsesIn(dataFolder, 'gateway', Date.now())).toEqual([]);
    await hang();
    expect(state()).toBe('late');
    clock.advance(5_000);
    expect(state()).toBe('alive');
    pulse.end();
    expect(state()).toBe('none');
    clock.advance(60_000);
    expect(state()).toBe('none');
  });

  test('has a pulse of its own: one that ends takes no other’s away, and one that hangs is not hidden by another', async () => {
    const first = pulseOf({ pid: process.ppid });
    pulseOf();
    first.end();
    expect(state()).toBe('alive');
    pulseOf({ pid: process.ppid });
    await hang();
    expect(pulsesIn(dataFolder, 'worker', Date.now())).toMatchObject([
      { pid: Math.min(HERE.pid, process.ppid) },
      { pid: Math.max(HERE.pid, process.ppid) },
    ]);
    expect(state()).toBe('late');
  });

  test('that was killed is none, which worries nobody once another is there, and the next to start buries it', async () => {
    pulseOf({ pid: DEAD_PID });
    await hang({ pid: DEAD_PID });
    expect(state()).toBe('none');
    pulseOf();
    expect(state()).toBe('alive');
    expect(await readdir(dataFolder)).toEqual([`worker.${HERE.host}.${HERE.pid}.pulse`]);
  });

  test('of another machine on the same folder says nothing of those here, and is all there is where there are none', async () => {
    pulseOf({ host: 'elsewhere' });
    expect(state()).toBe('alive');
    pulseOf();
    await hang();
    expect(state()).toBe('late');
  });
});

test('a pulse that cannot be written is logged and ends nothing', async () => {
  const dataFolder = await scratchFolder();
  await rm(dataFolder, { recursive: true });
  await writeFile(dataFolder, 'in the way');
  const log = new RecordingLogger();
  new Pulse({ dataFolder, name: 'start', being: HERE, clock: new ManualClock(), log }).end();
  expect(log.lines[0]).toMatchObject({ level: 'warn', message: 'the pulse could not be written' });
});
