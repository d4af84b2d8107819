import { describe, expect, test } from 'vitest';
import type { ActorDefinition, ActorRef } from '../../../../src/actors/kit/actor.ts';
import { later } from '../../../../src/actors/kit/later.ts';
import { DragomanError, hasCode } from '../../../../src/base/errors.ts';
import { actorOf, gate, settle, startActors } from '../../../support/actor-kit.ts';

interface Recorder {
  note(entry: string): readonly string[];
  wait(until: Promise<void>): Promise<string>;
}

/** Notes what it is told, in the order it is told. */
const recorder = (entries: string[]) =>
  actorOf<Recorder>({
    handlers: {
      note: (entry) => {
        entries.push(entry);
        return [...entries];
      },
      wait: async (until) => {
        entries.push('waiting');
        await until;
        return 'waited';
      },
    },
  });

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'done',
    (error: unknown) => (error instanceof DragomanError ? error.code : error),
  );

describe('ask and tell', () => {
  test('asks and tells of one sender arrive in the order they were sent', async () => {
    const { system } = await startActors();
    const entries: string[] = [];
    const ref = await system.spawn(recorder(entries), 'recorder', undefined);
    const sent = Array.from({ length: 200 }, (_, place) => `${place}`);
    for (const entry of sent) {
      if (Number(entry) % 3 === 0) ref.tell('note', entry);
      else void ref.ask('note', entry);
    }
    await ref.ask('note', 'last');
    expect(entries).toEqual([...sent, 'last']);
  });

  test('a hundred concurrent asks of an asynchronous handler run one after another', async () => {
    const { system } = await startActors();
    let count = 0;
    interface Counter {
      increment(by: number): Promise<number>;
    }
    const counter = actorOf<Counter>({
      handlers: {
        increment: async (by) => {
          const read = count;
          await Promise.resolve();
          count = read + by;
          return count;
        },
      },
    });
    const ref = await system.spawn(counter, 'counter', undefined);
    const replies = await Promise.all(Array.from({ length: 100 }, () => ref.ask('increment', 1)));
    expect(replies.at(-1)).toBe(100);
  });

  test('an operational error reaches the caller as it was thrown', async () => {
    const { system } = await startActors();
    const refusal = new DragomanError('unknown_bot', 'expected a bot, got none');
    interface Refuser {
      serve(bot: string): string;
    }
    const refuser = actorOf<Refuser>({
      handlers: {
        serve: () => {
          throw refusal;
        },
      },
    });
    const ref = await system.spawn(refuser, 'refuser', undefined);
    await expect(ref.ask('serve', 'alpha')).rejects.toBe(refusal);
  });

  test.each(['initialize', 'receive', 'constructor', 'toString', '__proto__', 'destroy', 'nothing'])(
    'the topic %s, which is no handler, is not found and harms nobody',
    async (topic) => {
      const { system, escalations } = await startActors();
      const entries: string[] = [];
      const ref = await system.spawn(recorder(entries), 'recorder', undefined);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what a caller without types could do
      const untyped = ref as unknown as ActorRef<Record<string, (payload: string) => unknown>>;
      expect(await codeOf(untyped.ask(topic, 'x'))).toBe('not_found');
      expect(await ref.ask('note', 'still here')).toEqual(['still here']);
      expect(escalations).toEqual([]);
    },
  );

  test('a full mailbox refuses, and says so', async () => {
    const { system } = await startActors();
    const held = gate();
    const definition = { ...recorder([]), mailboxCapacity: 2 };
    const ref = await system.spawn(definition, 'recorder', undefined);
    const running = ref.ask('wait', held.passed);
    await settle();
    const waiting = [ref.ask('note', 'one'), ref.ask('note', 'two')];
    expect(await codeOf(ref.ask('note', 'three'))).toBe('mailbox_full');
    held.open();
    await running;
    expect(await Promise.all(waiting)).toEqual([
      ['waiting', 'one'],
      ['waiting', 'one', 'two'],
    ]);
  });

  test('a tell that is not handled is logged without its content, and counted', async () => {
    const { system, log } = await startActors();
    const ref = await system.spawn(recorder([]), 'recorder', undefined);
    await system.stopActor(ref);
    ref.tell('note', 'secret');
    await settle();
    expect(system.failedTells).toBe(1);
    const line = log.lines.find(({ message }) => message === 'tell was not handled');
    expect(line).toMatchObject({ level: 'warn', fields: { actor: '/recorder', topic: 'note' } });
    expect(JSON.stringify(log.lines)).not.toContain('secret');
  });
});

describe('deadline and abort', () => {
  test('A1 A2: when the deadline passes the caller gets deadline_exceeded, and no timer is left', async () => {
    const { system, clock } = await startActors();
    const ref = await system.spawn(recorder([]), 'recorder', undefined);
    const held = gate();
    const answer = codeOf(ref.ask('wait', held.passed, { deadlineMs: 50 }));
    await settle();
    clock.advance(49);
    expect(clock.pendingTimers).toBe(1);
    clock.advance(1);
    expect(await answer).toBe('deadline_exceeded');
    expect(clock.pendingTimers).toBe(0);
    held.open();
  });

  test('the system’s deadline holds for an ask that names none', async () => {
    const { system, clock } = await startActors({ askDeadlineMs: 70 });
    const ref = await system.spawn(recorder([]), 'recorder', undefined);
    const held = gate();
    const answer = codeOf(ref.ask('wait', held.passed));
    clock.advance(70);
    expect(await answer).toBe('deadline_exceeded');
    held.open();
  });

  test('A3: a message whose deadline passed while it waited is never handled', async () => {
    const { system, clock } = await startActors();
    const entries: string[] = [];
    const ref = await system.spawn(recorder(entries), 'recorder', undefined);
    const held = gate();
    void ref.ask('wait', held.passed);
    const late = codeOf(ref.ask('note', 'late', { deadlineMs: 10 }));
    await settle();
    clock.advance(10);
    expect(await late).toBe('deadline_exceeded');
    held.open();
    expect(await ref.ask('note', 'next')).toEqual(['waiting', 'next']);
  });

  test('a handler that outlives its caller’s deadline finishes before the next starts', async () => {
    const { system, clock } = await startActors();
    const entries: string[] = [];
    const ref = await system.spawn(recorder(entries), 'recorder', undefined);
    const held = gate();
    const slow = codeOf(ref.ask('wait', held.passed, { deadlineMs: 10 }));
    await settle();
    clock.advance(10);
    expect(await slow).toBe('deadline_exceeded');
    const next = ref.ask('note', 'next');
    await settle();
    expect(entries).toEqual(['waiting']);
    held.open();
    expect(await next).toEqual(['waiting', 'next']);
  });

  test('A3: a signal aborted before the handler starts skips it', async () => {
    const { system } = await startActors();
    const entries: string[] = [];
    const ref = await system.spawn(recorder(entries), 'recorder', undefined);
    const held = gate();
    void ref.ask('wait', held.passed);
    const wish = new AbortController();
    const waiting = codeOf(ref.ask('note', 'withdrawn', { signal: wish.signal }));
    const neverSent = codeOf(ref.ask('note', 'never sent', { signal: AbortSignal.abort() }));
    await settle();
    wish.abort();
    expect(await Promise.all([waiting, neverSent])).toEqual(['aborted', 'aborted']);
    held.open();
    expect(await ref.ask('note', 'next')).toEqual(['waiting', 'next']);
  });

  test('A2: an answered ask leaves no timer and no listener', async () => {
    const { system, clock } = await startActors();
    const ref = await system.spawn(recorder([]), 'recorder', undefined);
    const { signal } = new AbortController();
    const listeners = new Set<unknown>();
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (type: string, listener: () => void) => {
      listeners.add(listener);
      add(type, listener);
    };
    signal.removeEventListener = (type: string, listener: () => void) => {
      listeners.delete(listener);
      remove(type, listener);
    };
    const answer = ref.ask('note', 'one', { signal });
    expect(listeners.size).toBe(1);
    await answer;
    expect(listeners.size).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('later', () => {
  interface Router {
    route(until: Promise<string>): Promise<string>;
    ping(from: string): string;
  }
  const router = actorOf<Router>({
    handlers: { route: (until) => later(until), ping: (from) => `hello ${from}` },
  });

  test('the mailbox goes on at once and the caller gets the outcome in time', async () => {
    const { system } = await startActors();
    const ref = await system.spawn(router, 'router', undefined);
    const slow = Promise.withResolvers<string>();
    const routed = ref.ask('route', slow.promise);
    expect(await ref.ask('ping', 'you')).toBe('hello you');
    expect(system.inspect().children[0]).toMatchObject({ outstanding: 1, handled: 1, busyMs: null });
    slow.resolve('at last');
    expect(await routed).toBe('at last');
    expect(system.inspect().children[0]).toMatchObject({ outstanding: 0, handled: 2 });
  });

  test('an operational failure of the reply reaches the caller', async () => {
    const { system } = await startActors();
    const ref = await system.spawn(router, 'router', undefined);
    const slow = Promise.withResolvers<string>();
    const routed = codeOf(ref.ask('route', slow.promise));
    await settle();
    slow.reject(new DragomanError('link_closed', 'gone'));
    expect(await routed).toBe('link_closed');
    expect(system.inspect().children[0]).toMatchObject({ restarts: 0, failed: 1 });
  });

  test('what a router posts to a child keeps its arrival order, however slow the child is', async () => {
    const { system } = await startActors();
    const entries: string[] = [];
    interface Forwarder {
      forward(entry: string): Promise<readonly string[]>;
    }
    const forwarder: ActorDefinition<Forwarder, undefined> = {
      kind: 'forwarder',
      create(context) {
        let child: ActorRef<Recorder> | null = null;
        return {
          handlers: {
            forward: async (entry) => {
              child ??= await context.spawn(recorder(entries), 'child', undefined);
              return later(child.ask('note', entry));
            },
          },
        };
      },
    };
    const ref = await system.spawn(forwarder, 'forwarder', undefined);
    const sent = Array.from({ length: 50 }, (_, place) => `${place}`);
    await Promise.all(sent.map((entry) => ref.ask('forward', entry)));
    expect(entries).toEqual(sent);
  });
});

test('an ask of an actor that is gone fails with actor_stopped', async () => {
  const { system } = await startActors();
  const ref = await system.spawn(recorder([]), 'recorder', undefined);
  await system.stopActor(ref);
  const failure: unknown = await ref.ask('note', 'x').catch((error: unknown) => error);
  expect(hasCode(failure, 'actor_stopped')).toBe(true);
});
