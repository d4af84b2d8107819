import { beforeEach, expect, test } from 'vitest';
import { OfflineBacklog } from '../../../src/simulator/offline-backlog.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const stanza = (id: string) => ({ tag: 'message', attrs: { from: '1@lid', id } });
const about = (id: string) => ({ chat: '1@lid', participant: '', id });

let clock: ManualClock;
let ends: number;
const begin = (...ids: string[]) => new OfflineBacklog(ids.map(stanza), clock, () => (ends += 1));

beforeEach(() => {
  clock = new ManualClock();
  ends = 0;
});

test('O1: it is over once each message is answered, and only once', () => {
  const backlog = begin('a', 'b');
  backlog.answered(about('a'));
  backlog.answered(about('a'));
  expect(ends).toBe(0);
  backlog.answered(about('b'));
  backlog.endIfAnswered();
  clock.advance(60_000);
  expect(ends).toBe(1);
});

test('O1: a bot that answers slowly is waited for, a silent one is not', () => {
  const backlog = begin('a', 'b', 'c');
  for (const id of ['a', 'b']) {
    clock.advance(1_900);
    backlog.answered(about(id));
  }
  expect(ends).toBe(0);
  clock.advance(2_000);
  expect(ends).toBe(1);
});

test('O1: after close it is never over', () => {
  const backlog = begin('a');
  backlog.close();
  backlog.answered(about('a'));
  clock.advance(60_000);
  expect(ends).toBe(0);
});
