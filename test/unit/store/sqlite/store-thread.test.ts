import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hasCode } from '../../../../src/base/errors.ts';
import { silentLogger } from '../../../../src/base/log.ts';
import { StoreThread } from '../../../../src/store/sqlite/store-thread.ts';
import type { FragileOperations } from '../../../support/fragile-thread.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

const STALL_MS = 1_000;
/** The calls of this tick are on their way to the thread. */
const sent = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const unavailable = (error: unknown): boolean => hasCode(error, 'store_unavailable');

describe('a store thread', () => {
  let clock: ManualClock;
  let thread: StoreThread<FragileOperations>;

  beforeEach(() => {
    clock = new ManualClock();
    const script = new URL('../../../support/fragile-thread.ts', import.meta.url);
    thread = new StoreThread({ script, data: {}, clock, log: silentLogger, stallMs: STALL_MS });
  });
  afterEach(() => thread.close());

  test('T1: calls are carried out in the order in which they were made', async () => {
    const answers = await Promise.all(['a', 'b', 'c'].map((text) => thread.call('echo', text)));
    expect(answers.at(-1)).toEqual(['a', 'b', 'c']);
  });

  test('T1: so does a tick of many calls, which reach the thread in parts', async () => {
    const texts = Array.from({ length: 100 }, (_, n) => `text ${n}`);
    const answers = await Promise.all(texts.map((text) => thread.call('echo', text)));
    expect(answers.at(-1)).toEqual(texts);
    expect(answers.map((answer) => answer.length)).toEqual(texts.map((_, n) => n + 1));
  });

  test('T2: none of a tick’s calls is answered when the thread dies in the middle of them', async () => {
    const echo = (): Promise<unknown> => thread.call('echo', 'text');
    const before = Array.from({ length: 30 }, echo);
    const outcomes = await Promise.allSettled([
      ...before,
      thread.call('exit'),
      ...Array.from({ length: 30 }, echo),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(Array.from({ length: 61 }, () => 'rejected'));
    expect(await thread.call('echo', 'after')).toEqual(['after']);
  });

  test('T2: calls that a dying thread leaves behind reject as unavailable, and the next call has a new thread', async () => {
    await thread.call('echo', 'before');
    const outcomes = await Promise.allSettled([thread.call('exit'), thread.call('echo', 'behind')]);
    expect(outcomes.map((outcome) => outcome.status === 'rejected' && unavailable(outcome.reason))).toEqual([
      true,
      true,
    ]);
    expect(await thread.call('echo', 'after')).toEqual(['after']);
  });

  test('T2: calls whose replies do not come behind those that did reject, and the next call has a new thread', async () => {
    const outcomes = await Promise.allSettled([
      ...Array.from({ length: 40 }, () => thread.call('echo', 'before')),
      thread.call('unsendable'),
    ]);
    expect(outcomes.at(0)?.status).toBe('fulfilled');
    expect(outcomes.at(-1)?.status).toBe('rejected');
    expect(await thread.call('echo', 'after')).toEqual(['after']);
  });

  test('T1: calls that the first replies of many lead to are carried out with those that the last ones do', async () => {
    const answers = await Promise.all(
      Array.from({ length: 100 }, async (_, n) => {
        await thread.call('echo', `first ${n}`);
        const second = thread.call('echo', `second ${n}`);
        return [await thread.call('groups'), await second] as const;
      }),
    );
    expect(answers.at(-1)?.[1].slice(100)).toEqual(Array.from({ length: 100 }, (_, n) => `second ${n}`));
    expect(new Set(answers.map(([groups]) => groups))).toEqual(new Set([1]));
  });

  test('T1, T2: calls that the first replies of many lead to are answered though the last ones lead to none', async () => {
    const [first, ...others] = Array.from({ length: 100 }, (_, n) => thread.call('echo', `text ${n}`));
    await first;
    expect((await thread.call('echo', 'after')).length).toBe(101);
    await Promise.all(others);
  });

  test('T2: an error that nobody caught ends the thread, and its calls reject', async () => {
    await expect(thread.call('raise')).rejects.toSatisfy(unavailable);
    expect(await thread.call('echo', 'after')).toEqual(['after']);
  });

  test('T2, T3: a thread that does not answer is given up, and calls are refused until it has ended', async () => {
    const hanging = thread.call('hang');
    const behind = thread.call('echo', 'behind');
    await sent();
    clock.advance(STALL_MS);
    await expect(hanging).rejects.toSatisfy(unavailable);
    await expect(behind).rejects.toSatisfy(unavailable);
    await expect(thread.call('echo', 'too early')).rejects.toSatisfy(unavailable);
    await expect.poll(() => thread.call('echo', 'after').catch(() => [])).toEqual(['after']);
  });

  test('T2: calls that could not even be sent in time are given up without harm to the thread', async () => {
    const unsent = thread.call('echo', 'unsent');
    clock.advance(STALL_MS);
    await expect(unsent).rejects.toSatisfy(unavailable);
    expect(await thread.call('echo', 'after')).toEqual(['after']);
  });

  test('a call made shortly before the timer fires is given its full time', async () => {
    const first = thread.call('echo', 'first');
    await first;
    clock.advance(STALL_MS - 1);
    const second = thread.call('echo', 'second');
    clock.advance(1);
    expect(await second).toEqual(['first', 'second']);
  });

  test('closing waits for the calls under way, refuses later ones, and leaves no timer', async () => {
    const last = thread.call('echo', 'last');
    const closing = thread.close();
    await expect(thread.call('echo', 'late')).rejects.toSatisfy(unavailable);
    await closing;
    expect(await last).toEqual(['last']);
    expect(clock.pendingTimers).toBe(0);
  });

  test('a thread that was never called closes at once', async () => {
    await expect(thread.close()).resolves.toBeUndefined();
  });
});
