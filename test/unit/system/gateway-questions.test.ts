import { expect, test } from 'vitest';
import { newGuid } from '../../../src/base/ids.ts';
import { GatewayQuestions } from '../../../src/system/gateway-questions.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { TestLink } from '../../support/test-link.ts';

const DEADLINE_MS = 10_000;
const [A, B] = [newGuid(), newGuid()];

function bench() {
  const clock = new ManualClock();
  const questions = new GatewayQuestions(clock);
  const link = new TestLink();
  const idOf = (nth: number): string => {
    const frame = link.sent[nth];
    return frame?.type === 'media.holds' ? (frame.request_id ?? '') : '';
  };
  const answer = (guids: readonly string[], more: object = {}, from = link) =>
    questions.answered(from, { v: 1, type: 'media.held', guids: [...guids], ...more });
  return { clock, questions, link, idOf, answer };
}

test('H1: an answer belongs to the question whose id it repeats', async () => {
  const { questions, link, idOf, answer } = bench();
  const [first, second] = [questions.ask(link, [A]), questions.ask(link, [B])];
  answer([B], { request_id: idOf(1), unacked: 3 });
  answer([], { request_id: idOf(0) });
  expect(await first).toEqual({ held: new Set(), unacked: 0 });
  expect(await second).toEqual({ held: new Set([B]), unacked: 3 });
  expect(link.sent).toMatchObject([
    { type: 'media.holds', guids: [A] },
    { type: 'media.holds', guids: [B] },
  ]);
});

test('H1: an answer without an id belongs to the only question, and to none where it may be late', async () => {
  const { questions, link, answer, clock } = bench();
  const only = questions.ask(link, [A]);
  answer([A]);
  expect(await only).toEqual({ held: new Set([A]), unacked: 0 });
  const late = questions.ask(link, [A]);
  clock.advance(DEADLINE_MS);
  expect(await late).toBeNull();
  const next = questions.ask(link, [B]);
  answer([]);
  clock.advance(DEADLINE_MS);
  expect(await next).toBeNull();
});

test('H1: nobody answers for another gateway', async () => {
  const { questions, link, idOf, answer, clock } = bench();
  const asked = questions.ask(link, [A]);
  answer([], { request_id: idOf(0) }, new TestLink('another'));
  clock.advance(DEADLINE_MS);
  expect(await asked).toBeNull();
});

test('H2: a link that closes answers nothing', async () => {
  const { questions, link, clock } = bench();
  const asked = questions.ask(link, [A]);
  questions.closed(link);
  expect(await asked).toBeNull();
  expect(clock.pendingTimers).toBe(0);
});
