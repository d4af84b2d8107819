import { describe, expect, test } from 'vitest';
import type { ActorDefinition, ActorRef, Behaviour } from '../../../../src/actors/kit/actor.ts';
import { later } from '../../../../src/actors/kit/later.ts';
import { actorOf, gate, settle, startActors } from '../../../support/actor-kit.ts';

interface Worker {
  work(until: Promise<void>): Promise<string>;
  promise(until: Promise<void>): Promise<string>;
}

/** Notes what it does under its name. */
const worker = (notes: string[], name: string, hooks: Partial<Behaviour<Worker>> = {}) =>
  actorOf<Worker>(
    {
      stopped: () => void notes.push(`${name} stopped`),
      handlers: {
        work: async (until) => {
          notes.push(`${name} works`);
          await until;
          notes.push(`${name} worked`);
          return 'done';
        },
        promise: (until) => later(until.then(() => 'kept')),
      },
      ...hooks,
    },
    { kind: name },
  );

const never = new Promise<void>(() => {});
const failureOf = (promise: Promise<unknown>) => promise.then(String, (error: unknown) => error);
const stopped = { code: 'actor_stopped' };

describe('drain', () => {
  test('finishes what is in hand and what waits, then runs stopped', async () => {
    const { system } = await startActors();
    const notes: string[] = [];
    const ref = await system.spawn(worker(notes, 'a'), 'a', undefined);
    const held = gate();
    const replies = [ref.ask('work', held.passed), ref.ask('work', held.passed)];
    await settle();
    const gone = system.stopActor(ref);
    const tooLate = failureOf(ref.ask('work', held.passed));
    await settle();
    held.open();
    await gone;
    expect(await Promise.all(replies)).toEqual(['done', 'done']);
    expect(await tooLate).toMatchObject(stopped);
    expect(notes).toEqual(['a works', 'a worked', 'a works', 'a worked', 'a stopped']);
  });

  test('waits for replies promised with later', async () => {
    const { system } = await startActors();
    const notes: string[] = [];
    const ref = await system.spawn(worker(notes, 'a'), 'a', undefined);
    const held = gate();
    const promised = ref.ask('promise', held.passed);
    await settle();
    const gone = system.stopActor(ref);
    await settle();
    expect(notes).toEqual([]);
    held.open();
    await gone;
    expect(await promised).toBe('kept');
    expect(notes).toEqual(['a stopped']);
  });

  test('E5: cuts a handler that never settles when the grace is over, and its caller is told', async () => {
    const { system, clock, log } = await startActors({ graceMs: 200 });
    const notes: string[] = [];
    const ref = await system.spawn(worker(notes, 'a'), 'a', undefined);
    const hung = failureOf(ref.ask('work', never));
    const waiting = failureOf(ref.ask('work', never));
    await settle();
    const gone = system.stopActor(ref);
    await settle();
    expect(system.inspect().children).toHaveLength(1);
    clock.advance(200);
    await gone;
    expect(await hung).toMatchObject(stopped);
    expect(await waiting).toMatchObject(stopped);
    expect(notes).toEqual(['a works', 'a stopped']);
    expect(log.at('warn')).toEqual(['grace is over, cutting what runs']);
    expect(clock.pendingTimers).toBe(0);
  });

  test('E5: cuts a promised reply that never settles', async () => {
    const { system, clock } = await startActors({ graceMs: 200 });
    const ref = await system.spawn(worker([], 'a'), 'a', undefined);
    const broken = failureOf(ref.ask('promise', never));
    await settle();
    const gone = system.stopActor(ref);
    await settle();
    clock.advance(200);
    await gone;
    expect(await broken).toMatchObject(stopped);
  });

  test.each([
    ['never settles', () => never],
    ['throws', () => Promise.reject(new Error('cannot end'))],
  ])('E5: a stopped hook that %s does not hold the stop', async (_what, hook) => {
    const { system, clock, log } = await startActors({ graceMs: 200 });
    const ref = await system.spawn(worker([], 'a', { stopped: hook }), 'a', undefined);
    const gone = system.stopActor(ref);
    await settle();
    clock.advance(200);
    await gone;
    expect(log.at('error')).toEqual(['actor did not end cleanly']);
    expect(system.inspect().children).toEqual([]);
  });

  test('a bug while draining refuses what waits and starts no new life', async () => {
    const { system } = await startActors();
    let lives = 0;
    const held = gate();
    const buggy: ActorDefinition<Worker, undefined> = {
      kind: 'buggy',
      create() {
        lives += 1;
        return {
          handlers: {
            work: (until) => until.then(() => Promise.reject(new TypeError('oops'))),
            promise: () => 'unused',
          },
        };
      },
    };
    const ref = await system.spawn(buggy, 'buggy', undefined);
    const first = failureOf(ref.ask('work', held.passed));
    const second = failureOf(ref.ask('work', held.passed));
    await settle();
    const gone = system.stopActor(ref);
    held.open();
    await gone;
    expect(await first).toMatchObject({ code: 'actor_failed' });
    expect(await second).toMatchObject(stopped);
    expect(lives).toBe(1);
  });
});

describe('a stop that comes in between', () => {
  test('of two lives starts no further one, and refuses what waits', async () => {
    const { system } = await startActors();
    const ending = gate();
    let lives = 0;
    const buggy: ActorDefinition<Worker, undefined> = {
      kind: 'buggy',
      create() {
        lives += 1;
        return {
          stopped: () => ending.passed,
          handlers: { work: () => Promise.reject(new TypeError('oops')), promise: () => 'unused' },
        };
      },
    };
    const ref = await system.spawn(buggy, 'buggy', undefined);
    expect(await failureOf(ref.ask('work', never))).toMatchObject({ code: 'actor_failed' });
    const waiting = failureOf(ref.ask('work', never));
    await settle();
    const gone = system.stopActor(ref);
    ending.open();
    await gone;
    expect(await waiting).toMatchObject(stopped);
    expect(lives).toBe(1);
  });

  test('of a start that hangs cuts it, and the start is not said to have succeeded', async () => {
    const { system, clock, log } = await startActors({ graceMs: 200 });
    const starting = gate();
    const ref = await system.spawn(worker([], 'a', { started: () => starting.passed }), 'a', undefined);
    const waiting = failureOf(ref.ask('work', never));
    await settle();
    const gone = system.stopActor(ref);
    await settle();
    clock.advance(200);
    await gone;
    expect(await waiting).toMatchObject(stopped);
    starting.open();
    await settle();
    expect(log.at('info')).toEqual(['actor stopped']);
  });

  test('of a handler that is cut does not leave its late promise unhandled', async () => {
    const { system, clock } = await startActors({ graceMs: 200 });
    const held = gate();
    const ref = await system.spawn(
      worker([], 'a', {
        handlers: {
          work: (until) => until.then(() => later(Promise.reject(new Error('too late to matter')))),
          promise: () => 'unused',
        },
      }),
      'a',
      undefined,
    );
    const cut = failureOf(ref.ask('work', held.passed));
    await settle();
    const gone = system.stopActor(ref);
    await settle();
    clock.advance(200);
    await gone;
    held.open();
    await settle();
    expect(await cut).toMatchObject(stopped);
  });
});

describe('stop now', () => {
  test('refuses what waits, tells the running handler by its signal, and lets it finish', async () => {
    const { system } = await startActors();
    const notes: string[] = [];
    const attentive: ActorDefinition<Worker, undefined> = {
      kind: 'attentive',
      create: (context) => ({
        handlers: {
          work: async () => {
            const { signal } = context;
            await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
            notes.push('gave up');
            return 'half';
          },
          promise: () => 'unused',
        },
      }),
    };
    const ref = await system.spawn(attentive, 'attentive', undefined);
    const running = ref.ask('work', never);
    const waiting = failureOf(ref.ask('work', never));
    await settle();
    await system.stopActor(ref, 'now');
    expect(await running).toBe('half');
    expect(await waiting).toMatchObject(stopped);
    expect(notes).toEqual(['gave up']);
  });

  test('hurries a drain that is under way', async () => {
    const { system } = await startActors();
    const ref = await system.spawn(worker([], 'a'), 'a', undefined);
    const held = gate();
    const running = ref.ask('work', held.passed);
    const waiting = failureOf(ref.ask('work', held.passed));
    await settle();
    const drained = system.stop();
    await settle();
    const gone = system.stop('now');
    expect(await waiting).toMatchObject(stopped);
    held.open();
    await Promise.all([drained, gone]);
    expect(await running).toBe('done');
  });
});

interface Parent {
  adopt(kinds: readonly string[]): Promise<readonly ActorRef<Worker>[]>;
  sendAndPassivate(child: ActorRef<Worker>): Promise<boolean>;
  spawnLater(until: Promise<void>): Promise<unknown>;
  stopChild(child: ActorRef<Worker>): Promise<void>;
  passivate(child: ActorRef<Worker>): Promise<boolean>;
  ping(from: string): string;
}
const parent = (notes: string[], settings = {}): ActorDefinition<Parent, undefined> => ({
  kind: 'parent',
  ...settings,
  create: (context) => ({
    stopped: () => void notes.push('parent stopped'),
    handlers: {
      adopt: (kinds) => Promise.all(kinds.map((kind) => context.spawn(worker(notes, kind), kind, undefined))),
      spawnLater: (until) => later(until.then(() => context.spawn(worker(notes, 'late'), 'late', undefined))),
      stopChild: (child) => later(context.stop(child)),
      passivate: (child) => context.passivate(child),
      sendAndPassivate: (child) => {
        child.tell('work', Promise.resolve());
        return context.passivate(child);
      },
      ping: (from) => `hello ${from}`,
    },
  }),
});

describe('the order of a stop', () => {
  test('children end before their parent', async () => {
    const { system } = await startActors();
    const notes: string[] = [];
    const ref = await system.spawn(parent(notes), 'parent', undefined);
    await ref.ask('adopt', ['x', 'y']);
    await system.stop();
    expect(notes).toEqual(['x stopped', 'y stopped', 'parent stopped']);
  });

  test('K3: kinds stop in the definition’s order, each when the one before is gone, unnamed ones first', async () => {
    const { system } = await startActors();
    const notes: string[] = [];
    const ref = await system.spawn(parent(notes, { stopOrder: ['chat', 'ingestion'] }), 'parent', undefined);
    const [, chat] = await ref.ask('adopt', ['ingestion', 'chat', 'other']);
    const held = gate();
    void chat?.ask('work', held.passed);
    await settle();
    const gone = system.stop();
    await settle();
    expect(notes).toEqual(['chat works', 'other stopped']);
    held.open();
    await gone;
    expect(notes.slice(2)).toEqual(['chat worked', 'chat stopped', 'ingestion stopped', 'parent stopped']);
  });

  test('K3: top-level kinds stop in the system’s order', async () => {
    const { system } = await startActors({ stopOrder: ['bot', 'store'] });
    const notes: string[] = [];
    for (const kind of ['store', 'bot', 'janitor']) await system.spawn(worker(notes, kind), kind, undefined);
    await system.stop();
    expect(notes).toEqual(['janitor stopped', 'bot stopped', 'store stopped']);
  });

  test('a parent still answers its children while they drain', async () => {
    const { system } = await startActors();
    interface Asker {
      consult(until: Promise<void>): Promise<string>;
    }
    const asker: ActorDefinition<Asker, { parent: ActorRef<Host> }> = {
      kind: 'asker',
      create: (_context, args) => ({
        handlers: { consult: (until) => until.then(() => args.parent.ask('ping', 'child')) },
      }),
    };
    interface Host {
      adopt(request: null): Promise<ActorRef<Asker>>;
      ping(from: string): string;
    }
    const host: ActorDefinition<Host, undefined> = {
      kind: 'host',
      create: (context) => ({
        handlers: {
          adopt: () => context.spawn(asker, 'asker', { parent: context.self }),
          ping: (from) => `hello ${from}`,
        },
      }),
    };
    const ref = await system.spawn(host, 'host', undefined);
    const child = await ref.ask('adopt', null);
    const held = gate();
    const consulted = child.ask('consult', held.passed);
    await settle();
    const gone = system.stop();
    held.open();
    expect(await consulted).toBe('hello child');
    await gone;
  });

  test('K2: nothing is spawned once the stop began', async () => {
    const { system } = await startActors();
    const notes: string[] = [];
    const ref = await system.spawn(parent(notes), 'parent', undefined);
    const held = gate();
    const ghost = failureOf(ref.ask('spawnLater', held.passed));
    await settle();
    const gone = system.stop();
    held.open();
    expect(await ghost).toMatchObject(stopped);
    await gone;
    expect(await failureOf(system.spawn(worker(notes, 'late'), 'late', undefined))).toMatchObject(stopped);
    expect(notes).toEqual(['parent stopped']);
  });

  test('K2: nothing is spawned at the top while the system drains', async () => {
    const { system } = await startActors();
    const notes: string[] = [];
    const ref = await system.spawn(worker(notes, 'a'), 'a', undefined);
    const held = gate();
    void ref.ask('work', held.passed);
    await settle();
    const gone = system.stop();
    await settle();
    expect(await failureOf(system.spawn(worker(notes, 'late'), 'late', undefined))).toMatchObject(stopped);
    held.open();
    await gone;
    expect(notes).toEqual(['a works', 'a worked', 'a stopped']);
  });

  test('K2: a child whose making was under way when the stop began is stopped too', async () => {
    const { system } = await startActors();
    const notes: string[] = [];
    const spawning = system.spawn(worker(notes, 'a'), 'a', undefined);
    await system.stop();
    const ref = await spawning;
    expect(await failureOf(ref.ask('work', never))).toMatchObject(stopped);
    expect(system.inspect().children).toEqual([]);
  });

  test('a router goes on while it stops a child, and the name is free afterwards', async () => {
    const { system } = await startActors();
    const notes: string[] = [];
    const ref = await system.spawn(parent(notes), 'parent', undefined);
    const [child] = await ref.ask('adopt', ['x']);
    if (child === undefined) throw new Error('expected a child');
    const held = gate();
    const work = child.ask('work', held.passed);
    await settle();
    const gone = ref.ask('stopChild', child);
    expect(await ref.ask('ping', 'you')).toBe('hello you');
    held.open();
    await gone;
    expect(await work).toBe('done');
    await ref.ask('stopChild', child);
    expect(await ref.ask('adopt', ['x'])).toHaveLength(1);
  });

  test('passivate spares a child that has mail on its way or owes a promised reply', async () => {
    const { system } = await startActors();
    const notes: string[] = [];
    const ref = await system.spawn(parent(notes), 'parent', undefined);
    const [child] = await ref.ask('adopt', ['x']);
    if (child === undefined) throw new Error('expected a child');
    await settle();
    expect(await ref.ask('sendAndPassivate', child)).toBe(false);
    await settle();
    expect(notes).toEqual(['x works', 'x worked']);
    const held = gate();
    const promised = child.ask('promise', held.passed);
    await settle();
    expect(await ref.ask('passivate', child)).toBe(false);
    held.open();
    expect(await promised).toBe('kept');
    expect(system.failedTells).toBe(0);
  });

  test('passivate stops an idle child alone: one that works lives on', async () => {
    const { system, log } = await startActors();
    const notes: string[] = [];
    const ref = await system.spawn(parent(notes), 'parent', undefined);
    const [child] = await ref.ask('adopt', ['x']);
    if (child === undefined) throw new Error('expected a child');
    const held = gate();
    const work = child.ask('work', held.passed);
    expect(await ref.ask('passivate', child)).toBe(false);
    held.open();
    expect(await work).toBe('done');
    await settle();
    expect(await ref.ask('passivate', child)).toBe(true);
    expect(notes.at(-1)).toBe('x stopped');
    expect(await failureOf(child.ask('work', never))).toMatchObject(stopped);
    expect(log.at('info').at(-1)).toBe('actor passivated');
    expect(await ref.ask('passivate', child)).toBe(true);
  });

  test('an actor with children is not passivated', async () => {
    const { system } = await startActors();
    interface Outer {
      tryIt(request: null): Promise<boolean>;
    }
    const outer: ActorDefinition<Outer, undefined> = {
      kind: 'outer',
      create: (context) => ({
        handlers: {
          tryIt: async () => {
            const inner = await context.spawn(parent([]), 'inner', undefined);
            await inner.ask('adopt', ['x']);
            await settle();
            return context.passivate(inner);
          },
        },
      }),
    };
    const ref = await system.spawn(outer, 'outer', undefined);
    expect(await ref.ask('tryIt', null)).toBe(false);
  });
});

const signalListeners = () => process.listenerCount('SIGINT') + process.listenerCount('SIGTERM');

test('a system leaves no handler of its own on SIGINT and SIGTERM', async () => {
  const before = signalListeners();
  const { system } = await startActors();
  expect(signalListeners()).toBe(before);
  await system.stop();
  expect(signalListeners()).toBe(before);
});

test('a thousand children of one parent stop with it, each with its hook run', async () => {
  const { system } = await startActors();
  let ended = 0;
  interface Nursery {
    fill(count: number): Promise<void>;
  }
  const child = actorOf<Record<string, never>>({ stopped: () => void (ended += 1), handlers: {} });
  const nursery: ActorDefinition<Nursery, undefined> = {
    kind: 'nursery',
    create: (context) => ({
      handlers: {
        fill: async (count) => {
          for (let place = 0; place < count; place += 1) await context.spawn(child, `${place}`, undefined);
        },
      },
    }),
  };
  const ref = await system.spawn(nursery, 'nursery', undefined);
  await ref.ask('fill', 1_000);
  await system.stop();
  expect(ended).toBe(1_000);
});
