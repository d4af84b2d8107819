import { describe, expect, test } from 'vitest';
import { NOT_CONNECTED } from '../../../src/actors/bot-protocol.ts';
import type { BotState } from '../../../src/protocol/frames.ts';
import { MemoryDatabase } from '../../support/memory-store/memory-database.ts';
import { openMemoryStore } from '../../support/memory-store/memory-store.ts';
import { BotRoster } from '../../../src/system/bot-roster.ts';
import { parseConfig } from '../../../src/system/config.ts';
import type { RunningBot } from '../../../src/system/running-bot.ts';
import { botBench } from '../../support/bot-bench.ts';
import { RecordingLogger } from '../../support/recording-logger.ts';

const NORTH = { id: 'north', token: 'the token of the north' };
const SOUTH = { id: 'south', token: 'the token of the south' };
const PHONE = '4915550000001';

/** Rosters over one store, one after another. */
async function bench() {
  const { clock, bot: ref } = await botBench();
  const database = new MemoryDatabase();
  const log = new RecordingLogger();
  const told: unknown[] = [];
  /** Gateways that are not connected. */
  const away = new Set<string>();
  return {
    away,
    told,
    log,
    async open(gateway = 'north', gateways = [NORTH, SOUTH]) {
      const store = openMemoryStore({ clock, newClaimToken: () => 'token', database });
      const config = parseConfig({ bots: [{ id: 'main', gateway }], gateways });
      const bots = new Map<string, RunningBot>();
      const says = new Map<string, BotState>();
      const wishOf = async (botId: string) => {
        const [record] = (await store.bots()).filter((each) => each.botId === botId);
        if (record === undefined) return 'none';
        return record.removed ? 'removed' : record.stopped ? 'stopped' : 'running';
      };
      const tell = (command: string, { settings, wish }: RunningBot): void => {
        const { id } = settings;
        told.push(
          wishOf(id).then((stored) => `${command} ${id} for ${wish.pairingPhone}, stored: ${stored}`),
        );
      };
      const roster = await BotRoster.open({
        configured: config.bots,
        gatewayIds: config.gateways.map(({ id }) => id),
        bots,
        removedBots: new Map(),
        store,
        commands: {
          isLinked: (gatewayId) => !away.has(gatewayId),
          startBot: (bot) => tell('start', bot),
          stopBot: (bot, forget) => tell(forget ? 'forget' : 'stop', bot),
        },
        spawn: ({ id }) =>
          Promise.resolve({
            ref,
            said: {
              get status() {
                return { ...NOT_CONNECTED, state: says.get(id) ?? 'closed' };
              },
            },
          }),
        retire: ({ settings }) => Promise.resolve(void told.push(Promise.resolve(`retire ${settings.id}`))),
        clock,
        log,
      });
      return { roster, bots, says };
    },
  };
}

describe('R1: a wish is durable before it takes effect, and stands after a restart', () => {
  test('stopped and started', async () => {
    const { open, told } = await bench();
    const { roster } = await open();
    await roster.stop('main');
    expect((await open()).bots.get('main')?.wish.stopped).toBe(true);
    await roster.start('main');
    expect((await open()).bots.get('main')?.wish.stopped).toBe(false);
    expect(await Promise.all(told)).toEqual([
      'stop main for null, stored: stopped',
      'start main for null, stored: running',
    ]);
  });

  test('to be linked by a code, or by a QR code again; a linked one stays as it is', async () => {
    const { open, told } = await bench();
    const { roster, says } = await open();
    await roster.stop('main');
    expect(await roster.pair('main', PHONE)).toBe('asked');
    expect((await open()).bots.get('main')?.wish).toMatchObject({ stopped: false, pairingPhone: PHONE });
    expect(await roster.pair('main', null)).toBe('asked');
    says.set('main', 'open');
    expect(await roster.pair('main', PHONE)).toBe('linked already');
    expect((await Promise.all(told)).slice(1)).toEqual([
      `start main for ${PHONE}, stored: running`,
      'start main for null, stored: running',
    ]);
    await expect(roster.pair('main', '+49 1555')).rejects.toMatchObject({ code: 'config_invalid' });
  });

  test('added, with its settings, and removed', async () => {
    const { open, told } = await bench();
    const { roster, bots } = await open();
    expect(await roster.add({ id: 'second', gateway: 'south', groups: 'none' })).toBe('added');
    expect(await roster.add({ id: 'second', gateway: 'south' })).toBe('there already');
    const again = await open();
    expect(again.bots.get('second')?.settings).toEqual(bots.get('second')?.settings);
    expect(again.bots.get('second')?.settings).toMatchObject({ gateway: 'south', groups: 'none' });
    expect(await again.roster.remove('second')).toBe('removed');
    expect(again.bots.has('second')).toBe(false);
    expect((await open()).bots.has('second')).toBe(false);
    expect(await Promise.all(told)).toEqual([
      'start second for null, stored: running',
      'forget second for null, stored: removed',
      'retire second',
    ]);
  });
});

test('R3: a bot of the name of one that was removed waits until its gateway has heard of that', async () => {
  const { open, away } = await bench();
  const { roster } = await open();
  await roster.add({ id: 'second', gateway: 'south' });
  await roster.remove('second');
  away.add('south');
  const again = await open();
  expect(again.bots.has('second')).toBe(false);
  await expect(again.roster.add({ id: 'second', gateway: 'south' })).rejects.toMatchObject({
    code: 'link_closed',
  });
  away.clear();
  expect(await again.roster.add({ id: 'second', gateway: 'south' })).toBe('added');
  expect((await open()).bots.has('second')).toBe(true);
});

test('R2: of many wishes at once the last one stands', async () => {
  const { open, told } = await bench();
  const { roster } = await open();
  await Promise.all([roster.stop('main'), roster.start('main'), roster.stop('main')]);
  expect((await open()).bots.get('main')?.wish.stopped).toBe(true);
  expect((await Promise.all(told)).map((line) => String(line).split(' ')[0])).toEqual([
    'stop',
    'start',
    'stop',
  ]);
});

describe('what cannot be', () => {
  test.each([
    ['an id', { id: 'Second' }, 'expected lower-case'],
    ['a setting that does not exist', { id: 'second', gateway: 'south', colour: 'red' }, 'colour'],
    ['an unknown gateway', { id: 'second', gateway: 'west' }, 'unknown gateway west'],
    ['a name of Dragoman’s own', { id: 'workers', gateway: 'south' }, 'another id than workers'],
    ['no settings at all', 'second', 'expected settings by name'],
  ])('%s is refused', async (_what, settings, problem) => {
    const { roster } = await (await bench()).open();
    await expect(roster.add(settings)).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringContaining(problem),
    });
  });

  test('a bot that is not there', async () => {
    const { roster } = await (await bench()).open();
    for (const wish of [roster.start('x'), roster.stop('x'), roster.pair('x', null), roster.remove('x')]) {
      await expect(wish).rejects.toMatchObject({ code: 'unknown_bot' });
    }
  });

  test('a configured bot is not removed: it would come back', async () => {
    const { open, told } = await bench();
    const { roster } = await open();
    expect(await roster.remove('main')).toBe('configured');
    expect(told).toEqual([]);
  });

  test('an added bot whose gateway is configured no more is left out, and said so', async () => {
    const { open, log } = await bench();
    await (await open()).roster.add({ id: 'second', gateway: 'south' });
    const { bots } = await open('north', [NORTH]);
    expect([...bots.keys()]).toEqual(['main']);
    expect(log.at('error')).toEqual([expect.stringContaining('cannot be run as this configuration stands')]);
  });
});

test('a bot that another gateway linked is told of: it must be linked anew', async () => {
  const { open, log } = await bench();
  await open('north');
  await open('south');
  await open('south');
  expect(log.at('warn')).toEqual([expect.stringContaining('linked anew')]);
});
