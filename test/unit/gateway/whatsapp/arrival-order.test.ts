import { EventEmitter } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { inArrivalOrder } from '../../../../src/gateway/whatsapp/arrival-order.ts';
import { containListeners } from '../../../../src/gateway/whatsapp/contain.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

/** The event loop goes round once for each value: no test has more than these. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1) await nextTurn();
}

function ordered(
  handle: (value: string) => Promise<void>,
  first: (value: string) => Promise<void> = () => Promise.resolve(),
  last: () => Promise<void> = () => Promise.resolve(),
) {
  const emitter = new EventEmitter();
  const clock = new ManualClock();
  const ending = new AbortController();
  const failures: unknown[] = [];
  const seen = { overdue: 0 };
  // oxlint-disable-next-line typescript/no-misused-promises -- as Baileys does
  emitter.on('message', handle);
  inArrivalOrder<string>(emitter, 'message', {
    first,
    last,
    signal: ending.signal,
    clock,
    deadlineMs: 1_000,
    onOverdue: () => (seen.overdue += 1),
    onFailure: (error) => failures.push(error),
  });
  return { emitter, clock, ending, failures, seen };
}

describe('inArrivalOrder', () => {
  test('a slow value is done before the next begins', async () => {
    const steps: string[] = [];
    const slow = Promise.withResolvers<void>();
    const { emitter, clock } = ordered(async (value) => {
      steps.push(`${value} begins`);
      if (value === 'first') await slow.promise;
      steps.push(`${value} ends`);
    });
    emitter.emit('message', 'first');
    emitter.emit('message', 'second');
    await settled();
    expect(steps).toEqual(['first begins']);
    slow.resolve();
    await settled();
    expect(steps).toEqual(['first begins', 'first ends', 'second begins', 'second ends']);
    expect(clock.pendingTimers).toBe(0);
  });

  test('what runs last is over before the next begins', async () => {
    const steps: string[] = [];
    const slow = Promise.withResolvers<void>();
    const handle = async (value: string) => void steps.push(value);
    const { emitter } = ordered(handle, undefined, () => slow.promise);
    emitter.emit('message', 'first');
    emitter.emit('message', 'second');
    await settled();
    expect(steps).toEqual(['first']);
    slow.resolve();
    await settled();
    expect(steps).toEqual(['first', 'second']);
  });

  test('a backlog does not hold the event loop, though nothing that handles it waits for I/O', async () => {
    const handled: number[] = [];
    const { emitter } = ordered(async () => void handled.push(handled.length));
    for (let nth = 0; nth < 100; nth += 1) emitter.emit('message', String(nth));
    await nextTurn();
    expect(handled.length).toBeGreaterThan(0);
    expect(handled.length).toBeLessThan(100);
  });

  test('a value that fails is told and does not stop the others', async () => {
    const steps: string[] = [];
    const { emitter, failures } = ordered(async (value) => {
      if (value === 'bad') throw new Error('bad');
      steps.push(value);
    });
    emitter.emit('message', 'bad');
    emitter.emit('message', 'good');
    await settled();
    expect(steps).toEqual(['good']);
    expect(failures).toEqual([new Error('bad')]);
  });

  test('the listeners get only what the first one has done with, and nothing that it fails at', async () => {
    const steps: string[] = [];
    const noted = Promise.withResolvers<void>();
    const { emitter, failures } = ordered(
      async (value) => void steps.push(value),
      async (value) => {
        await noted.promise;
        if (value === 'bad') throw new Error('not noted');
      },
    );
    emitter.emit('message', 'bad');
    emitter.emit('message', 'good');
    await settled();
    expect(steps).toEqual([]);
    noted.resolve();
    await settled();
    expect(steps).toEqual(['good']);
    expect(failures).toEqual([new Error('not noted')]);
  });

  test('a value that hangs is told once its time is up', async () => {
    const { emitter, clock, seen } = ordered(() => new Promise(() => {}));
    emitter.emit('message', 'stuck');
    await settled();
    clock.advance(999);
    expect(seen.overdue).toBe(0);
    clock.advance(1);
    expect(seen.overdue).toBe(1);
  });

  test('after the end nothing is handed over any more', async () => {
    const steps: string[] = [];
    const slow = Promise.withResolvers<void>();
    const { emitter, ending } = ordered(async (value) => {
      steps.push(value);
      await slow.promise;
    });
    emitter.emit('message', 'in hand');
    emitter.emit('message', 'waiting');
    await settled();
    ending.abort();
    slow.resolve();
    await settled();
    expect(steps).toEqual(['in hand']);
  });
});

describe('containListeners', () => {
  test('neither a throw nor a rejection leaves the emitter, and listeners keep their order', async () => {
    const emitter = new EventEmitter();
    const failures: string[] = [];
    const steps: string[] = [];
    emitter.on('stanza', () => {
      steps.push('first');
      throw new Error('thrown');
    });
    // As Baileys does: an async listener where nobody awaits it.
    // oxlint-disable-next-line typescript/no-misused-promises -- what containListeners is for
    emitter.on('stanza', async () => {
      steps.push('second');
      await settled();
      throw new Error('rejected');
    });
    containListeners(emitter, (error) => failures.push(String(error)));
    emitter.emit('stanza');
    expect(steps).toEqual(['first', 'second']);
    await settled();
    await settled();
    expect(failures).toEqual(['Error: thrown', 'Error: rejected']);
  });
});
