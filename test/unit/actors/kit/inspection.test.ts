import { describe, expect, test } from 'vitest';
import type { ActorDefinition, ActorSnapshot } from '../../../../src/actors/kit/actor.ts';
import { logTree, renderTree } from '../../../../src/actors/kit/actor-tree.ts';
import { actorOf, gate, settle, startActors } from '../../../support/actor-kit.ts';
import { RecordingLogger } from '../../../support/recording-logger.ts';

interface Sleeper {
  sleep(until: Promise<void>): Promise<void>;
}

const snapshotOf = (name: string, facts: Partial<ActorSnapshot> = {}): ActorSnapshot => ({
  path: `/${name}`,
  name,
  kind: 'chat',
  depth: 0,
  outstanding: 0,
  handled: 0,
  failed: 0,
  restarts: 0,
  oldestWaitingMs: null,
  busyMs: null,
  children: [],
  ...facts,
});

describe('inspect', () => {
  test('shows the live tree with mailboxes, ages and what behaviours add', async () => {
    const { system, clock } = await startActors();
    const sleeper: ActorDefinition<Sleeper, undefined> = {
      kind: 'sleeper',
      create(context) {
        return {
          started: async () => {
            await context.spawn(actorOf({ handlers: {} }, { kind: 'dream' }), 'dream', undefined);
          },
          handlers: { sleep: (until) => until },
          inspect: () => ({ oldest_placeholder_ms: 7 }),
        };
      },
    };
    const ref = await system.spawn(sleeper, 'alpha', undefined);
    const held = gate();
    const asked = [ref.ask('sleep', held.passed)];
    await settle();
    clock.advance(40);
    asked.push(ref.ask('sleep', held.passed));
    await settle();
    clock.advance(5);
    expect(system.inspect()).toMatchObject({
      path: '/',
      kind: 'system',
      children: [
        {
          path: '/alpha',
          name: 'alpha',
          kind: 'sleeper',
          depth: 1,
          handled: 0,
          failed: 0,
          restarts: 0,
          busyMs: 45,
          oldestWaitingMs: 5,
          detail: { oldest_placeholder_ms: 7 },
          children: [{ path: '/alpha/dream', kind: 'dream', depth: 0, busyMs: null }],
        },
      ],
    });
    held.open();
    await Promise.all(asked);
    expect(system.inspect().children[0]).toMatchObject({ depth: 0, handled: 2, busyMs: null });
  });

  test('a behaviour whose inspect throws does not hide the tree', async () => {
    const { system } = await startActors();
    const broken = actorOf({
      handlers: {},
      inspect: () => {
        throw new Error('no idea');
      },
    });
    await system.spawn(broken, 'broken', undefined);
    await settle();
    expect(system.inspect().children).toMatchObject([{ detail: { inspect_failed: 'no idea' } }]);
  });
});

describe('lifecycle lines', () => {
  test('start and stop are one line each, at the level that the definition chooses', async () => {
    const { system, log } = await startActors();
    const loud = await system.spawn(actorOf({ handlers: {} }, { kind: 'bot' }), 'loud', undefined);
    const quiet = actorOf({ handlers: {} }, { kind: 'chat', lifecycleLevel: 'debug' });
    const silent = await system.spawn(quiet, 'silent', undefined);
    await settle();
    await Promise.all([system.stopActor(loud), system.stopActor(silent)]);
    const lines = log.lines.filter(({ fields }) => 'kind' in fields);
    expect(lines).toEqual([
      { level: 'info', message: 'actor started', fields: { actor: '/loud', kind: 'bot' } },
      { level: 'debug', message: 'actor started', fields: { actor: '/silent', kind: 'chat' } },
      { level: 'info', message: 'actor stopped', fields: { actor: '/loud', kind: 'bot' } },
      { level: 'debug', message: 'actor stopped', fields: { actor: '/silent', kind: 'chat' } },
    ]);
  });
});

describe('the inspector’s log', () => {
  test('renders one line per actor, indented under its parent', () => {
    const tree = snapshotOf('system', {
      kind: 'system',
      children: [
        snapshotOf('alpha', {
          kind: 'bot',
          handled: 12,
          children: [
            snapshotOf('c-1', { depth: 3, oldestWaitingMs: 120, busyMs: 8, detail: { placeholders: 2 } }),
          ],
        }),
      ],
    });
    expect(renderTree(tree)).toEqual([
      'system system: depth 0, outstanding 0, handled 0, failed 0, restarts 0',
      '  bot alpha: depth 0, outstanding 0, handled 12, failed 0, restarts 0',
      '    chat c-1: depth 3, outstanding 0, handled 0, failed 0, restarts 0, oldest 120 ms, busy 8 ms, placeholders 2',
    ]);
  });

  test('of many siblings shows the busiest and sums up the others', () => {
    const children = Array.from({ length: 100 }, (_, place) => snapshotOf(`c-${place}`, { depth: place }));
    const lines = renderTree(snapshotOf('alpha', { kind: 'bot', children }), 2);
    expect(lines.slice(1)).toEqual([
      '  chat c-99: depth 99, outstanding 0, handled 0, failed 0, restarts 0',
      '  chat c-98: depth 98, outstanding 0, handled 0, failed 0, restarts 0',
      `  … 98 more chat: depth ${(97 * 98) / 2}, restarts 0`,
    ]);
  });

  test('writes a line for each actor', () => {
    const log = new RecordingLogger();
    logTree({ inspect: () => snapshotOf('alpha', { children: [snapshotOf('c-1')] }) }, log);
    expect(log.at('info')).toHaveLength(2);
  });
});
