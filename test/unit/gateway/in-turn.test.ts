import PQueue from 'p-queue';
import { expect, test } from 'vitest';
import { inTurn } from '../../../src/gateway/in-turn.ts';

const NEVER = new AbortController().signal;

test('work waits for its turn, and the queue is free when it has ended', async () => {
  const queue = new PQueue({ concurrency: 1 });
  const order: string[] = [];
  const work = (name: string) => async (): Promise<string> => {
    order.push(name);
    await Promise.resolve();
    order.push(name);
    return name;
  };
  expect(
    await Promise.all([inTurn(queue, NEVER, work('a'), ''), inTurn(queue, NEVER, work('b'), '')]),
  ).toEqual(['a', 'b']);
  expect(order).toEqual(['a', 'a', 'b', 'b']);
  expect([queue.size, queue.pending]).toEqual([0, 0]);
});

test('an error of the work is the caller’s', async () => {
  const failing = inTurn(new PQueue(), NEVER, () => Promise.reject(new Error('no')), null);
  await expect(failing).rejects.toThrow('no');
});

test('withdrawn before its turn, work never begins', async () => {
  const queue = new PQueue({ concurrency: 1 });
  queue.pause();
  const controller = new AbortController();
  let begun = false;
  const waiting = inTurn(
    queue,
    controller.signal,
    () => {
      begun = true;
      return Promise.resolve('done');
    },
    'withdrawn',
  );
  controller.abort();
  expect(await waiting).toBe('withdrawn');
  queue.start();
  await queue.onIdle();
  expect(begun).toBe(false);
});

test('withdrawn after it has begun, work is waited for', async () => {
  const controller = new AbortController();
  const work = Promise.withResolvers<string>();
  const running = inTurn(new PQueue(), controller.signal, () => work.promise, 'withdrawn');
  await Promise.resolve();
  controller.abort();
  work.resolve('done');
  expect(await running).toBe('done');
});
