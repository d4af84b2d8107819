import { expect, test } from 'vitest';
import { DragomanError } from '../../../src/base/errors.ts';
import { UntilRecorded } from '../../../src/gateway/until-recorded.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { RecordingLogger } from '../../support/recording-logger.ts';

function bench() {
  const clock = new ManualClock();
  const log = new RecordingLogger();
  const disk = { isFull: false, attempts: 0 };
  const done: string[] = [];
  const unrecorded = new UntilRecorded(clock, log);
  const attempt = (subject: string, kind: string, mostWaiting?: number): boolean =>
    unrecorded.attempt(
      subject,
      kind,
      () => {
        disk.attempts += 1;
        if (disk.isFull) throw new DragomanError('disk_full', 'no room');
        done.push(`${subject}: ${kind}`);
      },
      mostWaiting,
    );
  return { clock, log, disk, done, unrecorded, attempt };
}

test('what can be written is written at once, and nothing waits', () => {
  const { clock, done, attempt } = bench();
  attempt('a', 'start');
  expect(done).toEqual(['a: start']);
  expect(clock.pendingTimers).toBe(0);
});

test('R1, R2: what cannot is tried again until it can; of one subject in order, each kind once, as last asked', () => {
  const { clock, disk, done, attempt } = bench();
  disk.isFull = true;
  attempt('a', 'start');
  attempt('b', 'start');
  attempt('a', 'forget');
  attempt('a', 'start');
  clock.advance(5_000);
  disk.isFull = false;
  attempt('b', 'stop');
  expect(done).toEqual(['b: start', 'b: stop']);
  clock.advance(30_000);
  expect(done).toEqual(['b: start', 'b: stop', 'a: forget', 'a: start']);
  expect(clock.pendingTimers).toBe(0);
});

test('R1: the pauses grow, up to half a minute', () => {
  const { clock, disk, attempt } = bench();
  disk.isFull = true;
  attempt('a', 'start');
  clock.advance(1_000 + 2_000 + 4_000);
  expect(disk.attempts).toBe(4);
  clock.advance(600_000);
  expect(disk.attempts).toBeLessThan(30);
});

test('R3: no more of a subject waits than may; what waits already may be asked for again', () => {
  const { clock, disk, done, attempt } = bench();
  disk.isFull = true;
  const asked = ['1', '2', '3', '1'].map((text) => attempt('a', text, 2));
  expect([...asked, attempt('b', '1', 2), attempt('a', 'stop')]).toEqual([
    true,
    true,
    false,
    true,
    true,
    true,
  ]);
  disk.isFull = false;
  expect(attempt('a', '4', 2)).toBe(true);
  clock.advance(30_000);
  expect(done).toEqual(['a: 2', 'a: 1', 'a: stop', 'a: 4', 'b: 1']);
});

test('R1: any other failure is the end of it, and said', () => {
  const { clock, log, unrecorded } = bench();
  unrecorded.attempt('a', 'start', () => {
    throw new DragomanError('unknown_bot', 'too many bots');
  });
  expect(clock.pendingTimers).toBe(0);
  expect(log.lines).toMatchObject([{ level: 'error', fields: { subject: 'a', reason: 'too many bots' } }]);
});

test('closing leaves no timer', () => {
  const { clock, disk, attempt, unrecorded } = bench();
  disk.isFull = true;
  attempt('a', 'start');
  unrecorded.close();
  expect(clock.pendingTimers).toBe(0);
});
