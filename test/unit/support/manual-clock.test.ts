import { expect, test } from 'vitest';
import { ManualClock } from '../../support/manual-clock.ts';

test('C1 C2: tasks run in due order, at their instant, ties in the order they were scheduled', () => {
  const clock = new ManualClock(0);
  const ran: string[] = [];
  const note = (name: string) => () => void ran.push(`${name}@${clock.now()}`);
  clock.schedule(20, note('late'));
  clock.schedule(10, note('tie one'));
  clock.schedule(10, note('tie two'));
  clock.schedule(31, note('not yet'));
  clock.schedule(5, note('cancelled')).cancel();
  clock.advance(30);
  expect(ran).toEqual(['tie one@10', 'tie two@10', 'late@20']);
  expect(clock.now()).toBe(30);
  expect(clock.pendingTimers).toBe(1);
});

test('C3: a task scheduled by a task runs in the same advance when it is due by its end', () => {
  const clock = new ManualClock(0);
  const ran: number[] = [];
  clock.schedule(10, () => {
    ran.push(clock.now());
    clock.schedule(10, () => ran.push(clock.now()));
  });
  clock.advance(20);
  expect(ran).toEqual([10, 20]);
});
