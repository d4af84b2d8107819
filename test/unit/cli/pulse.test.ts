import { existsSync } from 'node:fs';
import { readdir, rename, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { health } from '../../../src/cli/health.ts';
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
  const state = () => judge(pulsesIn(dataFolder, 'worker', Date.now()), 'worker', HERE.host).state;
  const fileOf = ({ host, pid }: Partial<Being>): string =>
    path.join(dataFolder, `worker.${host ?? HERE.host}.${pid ?? HERE.pid}.pulse`);
  /** As if its last beat had been long ago. */
  const hang = async (being: Partial<Being> = {}, seconds = 60): Promise<void> => {
    const longAgo = new Date(Date.now() - seconds * 1_000);
    await utimes(fileOf(being), longAgo, longAgo);
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

  test('makes the data folder where there is none, for its user alone', async () => {
    dataFolder = path.join(dataFolder, 'data');
    pulseOf();
    expect(state()).toBe('alive');
    expect((await stat(dataFolder)).mode & 0o777).toBe(0o700);
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
    expect(await readdir(dataFolder)).toEqual([path.basename(fileOf({}))]);
  });

  const tellsBirths = existsSync('/proc/self/stat');
  test.runIf(tellsBirths)('that was killed is none though another has its number by now', async () => {
    const other = { pid: process.ppid };
    pulseOf();
    await rename(fileOf({}), fileOf(other));
    await hang(other);
    expect(state()).toBe('none');
    pulseOf();
    expect(await readdir(dataFolder)).toEqual([path.basename(fileOf({}))]);
  });

  test('of which nobody knows when it began is none after ten minutes, whoever has its number', async () => {
    pulseOf();
    await truncate(fileOf({}));
    await hang();
    expect(state()).toBe('late');
    await hang({}, 601);
    expect(state()).toBe('none');
  });

  test('takes away the pulse that all workers shared in earlier versions', async () => {
    await writeFile(path.join(dataFolder, 'worker.pulse'), '7\n');
    pulseOf();
    expect(await readdir(dataFolder)).toEqual([path.basename(fileOf({}))]);
  });

  test('of another machine on the same folder says nothing of the workers here', async () => {
    pulseOf({ host: 'elsewhere' });
    expect(state()).toBe('none');
    pulseOf();
    expect(state()).toBe('alive');
    await hang();
    expect(state()).toBe('late');
  });

  test('of which a folder has one is looked at from any machine', () => {
    const elsewhere = { host: 'elsewhere', pid: 7, ageMs: 0, state: 'alive' as const };
    expect(judge([elsewhere], 'backend', HERE.host)).toEqual({ state: 'alive', judged: [elsewhere] });
  });

  test('that is missing here is said to run on the machines on which it does', () => {
    const said = vi.spyOn(console, 'log').mockReturnValue();
    onTestFinished(() => said.mockRestore());
    pulseOf({ host: 'elsewhere' });
    expect(health({ environment: {}, flags: { dataFolder } }, 'worker', {})).toBe(1);
    expect(said.mock.calls.flat()).toEqual([
      `dragoman worker does not run on this machine (${HERE.host}), on ${dataFolder}: only on elsewhere`,
    ]);
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
