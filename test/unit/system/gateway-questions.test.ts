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
  const ask = (guid: string) => questions.ask(link, { type: 'media.holds', guids: [guid] }, 'media.held');
  return { clock, questions, ask, link, idOf, answer };
}

test('H1: an answer belongs to the question whose id it repeats', async () => {
  const { ask, link, idOf, answer } = bench();
  const [first, second] = [ask(A), ask(B)];
  answer([B], { request_id: idOf(1), unacked: 3 });
  answer([], { request_id: idOf(0) });
  expect(await first).toMatchObject({ guids: [] });
  expect(await second).toMatchObject({ guids: [B], unacked: 3 });
  expect(link.sent).toMatchObject([
    { type: 'media.holds', guids: [A] },
    { type: 'media.holds', guids: [B] },
  ]);
});

test('H1: an answer without an id belongs to the only question, and to none where it may be late', async () => {
  const { ask, answer, clock } = bench();
  const only = ask(A);
  answer([A]);
  expect(await only).toMatchObject({ guids: [A] });
  const late = ask(A);
  clock.advance(DEADLINE_MS);
  expect(await late).toBeNull();
  const next = ask(B);
  answer([]);
  clock.advance(DEADLINE_MS);
  expect(await next).toBeNull();
});

test('H1: nobody answers for another gateway', async () => {
  const { ask, idOf, answer, clock } = bench();
  const asked = ask(A);
  answer([], { request_id: idOf(0) }, new TestLink('another'));
  clock.advance(DEADLINE_MS);
  expect(await asked).toBeNull();
});

test('an answer to another question is none', async () => {
  const { questions, link } = bench();
  const asked = questions.ask(link, { type: 'letters.retry', letter_seq: 1 }, 'letters.retried');
  questions.answered(link, { v: 1, type: 'media.held', guids: [], request_id: '1' });
  expect(await asked).toBeNull();
});

test('H2: a link that closes answers nothing', async () => {
  const { questions, ask, link, clock } = bench();
  const asked = ask(A);
  questions.closed(link);
  expect(await asked).toBeNull();
  expect(clock.pendingTimers).toBe(0);
});
