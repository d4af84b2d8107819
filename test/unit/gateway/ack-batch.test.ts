import { expect, test } from 'vitest';
import { AckBatch } from '../../../src/gateway/ack-batch.ts';
import { ManualClock } from '../../support/manual-clock.ts';

function ackBench() {
  const clock = new ManualClock();
  const disk = { isFull: false };
  const asked: (readonly number[])[] = [];
  const acks = new AckBatch(clock, (seqs) => {
    asked.push(seqs);
    return !disk.isFull;
  });
  return { clock, disk, asked, acks };
}

test('acks of a moment are applied together, many at once', () => {
  const { clock, asked, acks } = ackBench();
  acks.add(1);
  acks.add(2);
  clock.advance(50);
  for (let seq = 3; seq <= 258; seq += 1) acks.add(seq);
  expect(asked.map((seqs) => seqs.length)).toEqual([2, 256]);
  clock.advance(60_000);
  expect(asked).toHaveLength(2);
  expect(clock.pendingTimers).toBe(0);
});

test('F1: what cannot be applied is tried again, with what comes meanwhile, ever more slowly, and then no more', () => {
  const { clock, disk, asked, acks } = ackBench();
  disk.isFull = true;
  acks.add(1);
  clock.advance(50);
  for (let seq = 1; seq <= 1_000; seq += 1) acks.add(seq);
  expect(asked).toEqual([[1]]);
  clock.advance(1_000);
  clock.advance(1_999);
  expect(asked.map((seqs) => seqs.length)).toEqual([1, 1_000]);
  clock.advance(600_000);
  expect(asked.length).toBeGreaterThan(20);
  expect(asked.length).toBeLessThan(30);
  disk.isFull = false;
  clock.advance(30_000);
  const until = asked.length;
  clock.advance(60_000);
  expect(asked).toHaveLength(until);
  acks.add(1_001);
  clock.advance(50);
  expect(asked.at(-1)).toEqual([1_001]);
});

test('closing applies what it can, and leaves no timer', () => {
  const { clock, disk, asked, acks } = ackBench();
  disk.isFull = true;
  acks.add(1);
  acks.close();
  expect(asked).toEqual([[1]]);
  expect(clock.pendingTimers).toBe(0);
});
