import { describe, expect, test } from 'vitest';
import type { ActorContext, ActorDefinition, ActorRef } from '../../../../src/actors/kit/actor.ts';
import { later } from '../../../../src/actors/kit/later.ts';
import { DragomanError } from '../../../../src/base/errors.ts';
import { actorOf, gate, settle, startActors } from '../../../support/actor-kit.ts';

interface Fragile {
  /** Counts the messages of this life. */
  count(request: null): number;
  fail(error: unknown): void;
  failLater(error: unknown): Promise<never>;
  hold(until: Promise<void>): Promise<void>;
}

interface Journal {
  readonly entries: string[];
}

async function failInTime(error: unknown): Promise<never> {
  await settle();
  throw error;
}

const fragile = (journal: Journal, settings = {}): ActorDefinition<Fragile, undefined> => ({
  kind: 'fragile',
  ...settings,
  create() {
    let count = 0;
    journal.entries.push('created');
    return {
      started: () => void journal.entries.push('started'),
      stopped: () => void journal.entries.push('stopped'),
      handlers: {
        count: () => (count += 1),
        fail: (error) => {
          throw error;
        },
        failLater: (error) => later(failInTime(error)),
        hold: (until) => until,
      },
    };
  },
});

const bug = () => new TypeError('undefined is not a function');
const failureOf = (promise: Promise<unknown>) => promise.then(String, (error: unknown) => error);

describe('a bug', () => {
  test('E3: restarts the actor: the old life ends, a new one starts, and its state is new', async () => {
    const { system } = await startActors();
    const journal: Journal = { entries: [] };
    const ref = await system.spawn(fragile(journal), 'fragile', undefined);
    expect(await ref.ask('count', null)).toBe(1);
    ref.tell('fail', bug());
    expect(await ref.ask('count', null)).toBe(1);
    expect(journal.entries).toEqual(['created', 'started', 'stopped', 'created', 'started']);
    expect(system.inspect().children[0]).toMatchObject({ restarts: 1, handled: 2, failed: 1 });
  });

  test('its own caller gets actor_failed with the bug as cause', async () => {
    const { system } = await startActors();
    const ref = await system.spawn(fragile({ entries: [] }), 'fragile', undefined);
    const cause = bug();
    const failure = await failureOf(ref.ask('fail', cause));
    expect(failure).toMatchObject({ code: 'actor_failed', cause });
  });

  test('E3: messages that wait are handled by the next life, in order', async () => {
    const { system } = await startActors();
    const ref = await system.spawn(fragile({ entries: [] }), 'fragile', undefined);
    const held = gate();
    void ref.ask('hold', held.passed);
    ref.tell('fail', bug());
    const waiting = [1, 2, 3].map(() => ref.ask('count', null));
    held.open();
    expect(await Promise.all(waiting)).toEqual([1, 2, 3]);
  });

  test('of a reply promised with later restarts as well', async () => {
    const { system } = await startActors();
    const journal: Journal = { entries: [] };
    const ref = await system.spawn(fragile(journal), 'fragile', undefined);
    expect(await failureOf(ref.ask('failLater', bug()))).toMatchObject({ code: 'actor_failed' });
    await settle();
    expect(system.inspect().children[0]).toMatchObject({ restarts: 1 });
  });

  test('of two replies of one life restarts once', async () => {
    const { system } = await startActors();
    const ref = await system.spawn(fragile({ entries: [] }), 'fragile', undefined);
    await Promise.all([failureOf(ref.ask('failLater', bug())), failureOf(ref.ask('failLater', bug()))]);
    await settle();
    expect(system.inspect().children[0]).toMatchObject({ restarts: 1 });
  });

  test('that a stated invariant finds counts as one', async () => {
    const { system } = await startActors();
    const ref = await system.spawn(fragile({ entries: [] }), 'fragile', undefined);
    const broken = new DragomanError('invariant_broken', 'expected order, got none');
    expect(await failureOf(ref.ask('fail', broken))).toMatchObject({ code: 'actor_failed', cause: broken });
    await settle();
    expect(system.inspect().children[0]).toMatchObject({ restarts: 1 });
  });

  test('of a child that its parent asks does not restart the parent', async () => {
    const { system } = await startActors();
    interface Relay {
      pass(error: unknown): Promise<void>;
    }
    const relay: ActorDefinition<Relay, undefined> = {
      kind: 'relay',
      create: (context) => ({
        handlers: {
          pass: async (error) => {
            const child = await context.spawn(fragile({ entries: [] }), 'child', undefined);
            await child.ask('fail', error);
          },
        },
      }),
    };
    const ref = await system.spawn(relay, 'relay', undefined);
    expect(await failureOf(ref.ask('pass', bug()))).toMatchObject({ code: 'actor_failed' });
    await settle();
    expect(system.inspect().children[0]).toMatchObject({ restarts: 0, children: [{ restarts: 1 }] });
  });

  test('is logged once, with the error, whoever sent the message', async () => {
    const { system, log } = await startActors();
    const ref = await system.spawn(fragile({ entries: [] }), 'fragile', undefined);
    const err = bug();
    ref.tell('fail', err);
    await settle();
    expect(log.lines.filter(({ fields }) => fields['err'] === err)).toMatchObject([
      { level: 'error', message: 'handler failed', fields: { actor: '/fragile', topic: 'fail' } },
    ]);
    expect(log.at('warn')).toEqual(['actor restarted']);
    expect(system.failedTells).toBe(1);
  });
});

test('an operational error restarts nothing', async () => {
  const { system } = await startActors();
  const ref = await system.spawn(fragile({ entries: [] }), 'fragile', undefined);
  await ref.ask('count', null);
  await failureOf(ref.ask('fail', new DragomanError('store_unavailable', 'away')));
  expect(await ref.ask('count', null)).toBe(2);
  expect(system.inspect().children[0]).toMatchObject({ restarts: 0, failed: 1 });
});

describe('intensity and period', () => {
  const restartLimit = { intensity: 2, periodMs: 1_000 };

  test('E4: one restart more than the intensity stops the actor and tells the system', async () => {
    const { system, escalations } = await startActors();
    const journal: Journal = { entries: [] };
    const ref = await system.spawn(fragile(journal, { restartLimit }), 'fragile', undefined);
    const held = gate();
    const last = bug();
    void ref.ask('hold', held.passed);
    for (const error of [bug(), bug(), last]) ref.tell('fail', error);
    const waiting = failureOf(ref.ask('count', null));
    held.open();
    expect(await waiting).toMatchObject({ code: 'actor_stopped' });
    await settle();
    expect(escalations).toEqual([{ error: last, path: '/fragile' }]);
    expect(system.inspect().children).toEqual([]);
    expect(journal.entries.filter((entry) => entry === 'stopped')).toHaveLength(3);
    expect(await failureOf(ref.ask('count', null))).toMatchObject({ code: 'actor_stopped' });
  });

  test('restarts that are further apart than the period never add up', async () => {
    const { system, clock, escalations } = await startActors();
    const ref = await system.spawn(fragile({ entries: [] }, { restartLimit }), 'fragile', undefined);
    for (let time = 0; time < 6; time += 1) {
      await failureOf(ref.ask('fail', bug()));
      await settle();
      clock.advance(500);
    }
    expect(escalations).toEqual([]);
    expect(system.inspect().children[0]).toMatchObject({ restarts: 6 });
  });

  test('E4: the name of an actor that gave up is free again once it is gone', async () => {
    const { system } = await startActors();
    const definition = fragile({ entries: [] }, { restartLimit: { intensity: 0, periodMs: 1_000 } });
    const first = await system.spawn(definition, 'fragile', undefined);
    await failureOf(first.ask('fail', bug()));
    await settle();
    const second = await system.spawn(definition, 'fragile', undefined);
    expect(await second.ask('count', null)).toBe(1);
    expect(await failureOf(first.ask('count', null))).toMatchObject({ code: 'actor_stopped' });
  });
});

describe('create and started', () => {
  interface Nothing {
    ping(request: null): string;
  }

  test('a start that fails counts as a restart; messages wait for the one that does not', async () => {
    const { system } = await startActors();
    let attempts = 0;
    const reluctant: ActorDefinition<Nothing, undefined> = {
      kind: 'reluctant',
      create() {
        attempts += 1;
        if (attempts === 1) throw bug();
        const attempt = attempts;
        return {
          started: () => (attempt === 2 ? Promise.reject(bug()) : undefined),
          handlers: { ping: () => `life ${attempt}` },
        };
      },
    };
    const ref = await system.spawn(reluctant, 'reluctant', undefined);
    expect(await ref.ask('ping', null)).toBe('life 3');
    expect(system.inspect().children[0]).toMatchObject({ restarts: 2 });
  });

  test('E4: a start that never succeeds escalates, and what waits fails', async () => {
    const { system, escalations } = await startActors();
    const hopeless: ActorDefinition<Nothing, undefined> = {
      kind: 'hopeless',
      restartLimit: { intensity: 1, periodMs: 1_000 },
      create() {
        throw bug();
      },
    };
    const ref = await system.spawn(hopeless, 'hopeless', undefined);
    expect(await failureOf(ref.ask('ping', null))).toMatchObject({ code: 'actor_stopped' });
    expect(escalations).toMatchObject([{ path: '/hopeless' }]);
  });

  test('a start that takes longer than its deadline has failed', async () => {
    const { system, clock } = await startActors({ startDeadlineMs: 100 });
    let lives = 0;
    const slow: ActorDefinition<Nothing, undefined> = {
      kind: 'slow',
      create() {
        lives += 1;
        const hangs = lives === 1;
        return {
          started: () => (hangs ? new Promise<void>(() => {}) : undefined),
          handlers: { ping: () => `life of ${lives}` },
        };
      },
    };
    const ref = await system.spawn(slow, 'slow', undefined);
    const pong = ref.ask('ping', null);
    await settle();
    clock.advance(100);
    expect(await pong).toBe('life of 2');
  });

  test('no message is handled before started is done', async () => {
    const { system } = await startActors();
    const opened = gate();
    let ready = false;
    const ref = await system.spawn(
      actorOf<Nothing>({
        started: async () => {
          await opened.passed;
          ready = true;
        },
        handlers: { ping: () => (ready ? 'ready' : 'too early') },
      }),
      'slow',
      undefined,
    );
    const pong = ref.ask('ping', null);
    await settle();
    opened.open();
    expect(await pong).toBe('ready');
  });
});

interface Parent {
  child(name: string): Promise<ActorRef<Fragile>>;
  fail(error: unknown): void;
  context(request: null): ActorContext<Parent>;
}
const parent = (journal: Journal, settings = {}, childSettings = {}): ActorDefinition<Parent, undefined> => ({
  kind: 'parent',
  ...settings,
  create(context) {
    journal.entries.push('parent created');
    return {
      stopped: () => void journal.entries.push('parent stopped'),
      handlers: {
        child: (name) => context.spawn(fragile(journal, childSettings), name, undefined),
        fail: (error) => {
          throw error;
        },
        context: () => context,
      },
    };
  },
});

describe('a family', () => {
  test('children of a restarted actor stop before its old life ends', async () => {
    const { system } = await startActors();
    const journal: Journal = { entries: [] };
    const ref = await system.spawn(parent(journal), 'parent', undefined);
    const child = await ref.ask('child', 'one');
    await child.ask('count', null);
    ref.tell('fail', bug());
    expect(await failureOf(ref.ask('child', 'one'))).not.toBeInstanceOf(Error);
    expect(journal.entries.slice(0, 6)).toEqual([
      'parent created',
      'created',
      'started',
      'stopped',
      'parent stopped',
      'parent created',
    ]);
    expect(await failureOf(child.ask('count', null))).toMatchObject({ code: 'actor_stopped' });
  });

  test('E4: a child that gives up restarts its parent, which gives up by its own limit', async () => {
    const { system, escalations } = await startActors();
    const journal: Journal = { entries: [] };
    const limits = { restartLimit: { intensity: 1, periodMs: 1_000 } };
    const none = { restartLimit: { intensity: 0, periodMs: 1_000 } };
    const ref = await system.spawn(parent(journal, limits, none), 'parent', undefined);
    await failureOf((await ref.ask('child', 'one')).ask('fail', bug()));
    await settle();
    expect(escalations).toEqual([]);
    expect(system.inspect().children).toMatchObject([{ name: 'parent', restarts: 1, children: [] }]);
    const last = bug();
    await failureOf((await ref.ask('child', 'one')).ask('fail', last));
    await settle();
    expect(escalations).toEqual([{ error: last, path: '/parent' }]);
    expect(system.inspect().children).toEqual([]);
  });

  test('two children that give up at once restart their parent once', async () => {
    const { system } = await startActors();
    const none = { restartLimit: { intensity: 0, periodMs: 1_000 } };
    const ref = await system.spawn(parent({ entries: [] }, {}, none), 'parent', undefined);
    const children = await Promise.all([ref.ask('child', 'one'), ref.ask('child', 'two')]);
    await Promise.all(children.map((child) => failureOf(child.ask('fail', bug()))));
    await settle();
    expect(system.inspect().children).toMatchObject([{ restarts: 1, children: [] }]);
  });

  test('L2: a context kept beyond a restart spawns nothing, and its signal is aborted', async () => {
    const { system } = await startActors();
    const ref = await system.spawn(parent({ entries: [] }), 'parent', undefined);
    const old = await ref.ask('context', null);
    expect(old.signal.aborted).toBe(false);
    await failureOf(ref.ask('fail', bug()));
    const current = await ref.ask('context', null);
    expect(old.signal.aborted).toBe(true);
    expect(current.signal.aborted).toBe(false);
    const ghost = failureOf(old.spawn(fragile({ entries: [] }), 'ghost', undefined));
    expect(await ghost).toMatchObject({ code: 'actor_stopped' });
    expect(system.inspect().children[0]?.children).toEqual([]);
  });

  test('a signal first asked for after its life ended is aborted', async () => {
    const { system } = await startActors();
    const ref = await system.spawn(parent({ entries: [] }), 'parent', undefined);
    const old = await ref.ask('context', null);
    await failureOf(ref.ask('fail', bug()));
    await ref.ask('context', null);
    expect(old.signal.aborted).toBe(true);
  });

  test('K1: a name that is taken is refused', async () => {
    const { system } = await startActors();
    const definition = fragile({ entries: [] });
    const ref = await system.spawn(definition, 'only', undefined);
    const second = failureOf(system.spawn(definition, 'only', undefined));
    expect(await second).toMatchObject({ code: 'invariant_broken' });
    expect(await ref.ask('count', null)).toBe(1);
  });
});
