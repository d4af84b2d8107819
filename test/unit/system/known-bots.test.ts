import { expect, test } from 'vitest';
import { newGuid } from '../../../src/base/ids.ts';
import { openMemoryStore } from '../../support/memory-store/memory-store.ts';
import { KnownBots } from '../../../src/system/known-bots.ts';
import { settle } from '../../support/actor-kit.ts';
import { addedBot } from '../../support/added-bot.ts';
import { interceptStore, StoreFaults } from '../../support/intercepted-store.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { RecordingLogger } from '../../support/recording-logger.ts';

async function bench() {
  const clock = new ManualClock();
  const log = new RecordingLogger();
  const faults = new StoreFaults();
  const store = interceptStore(openMemoryStore({ clock, newClaimToken: newGuid }), faults.intercept);
  const watch = () => KnownBots.watch({ configured: ['main'], store, clock, log });
  const later = async (): Promise<void> => {
    clock.advance(10_000);
    await settle();
  };
  return { store, faults, log, watch, later };
}

const idsOf = (bots: KnownBots): string[] => [...new Set(bots.ids())];

test('the bots of the configuration are known, and those that the backend has, and no others', async () => {
  const { store, watch } = await bench();
  await store.saveBot(addedBot('main', { settings: null }));
  await store.saveBot(addedBot('added'));
  await store.saveBot(addedBot('former', { removed: true }));
  expect(idsOf(await watch())).toEqual(['main', 'added']);
});

test('a bot that comes is known soon, and one that goes is not', async () => {
  const { store, watch, later } = await bench();
  const bots = await watch();
  expect(idsOf(bots)).toEqual(['main']);
  await store.saveBot(addedBot('added'));
  await later();
  expect(idsOf(bots)).toEqual(['main', 'added']);
  await store.saveBot(addedBot('added', { removed: true }));
  await later();
  expect(idsOf(bots)).toEqual(['main']);
});

test('while the store is away those stay known that were, and the looking goes on', async () => {
  const { store, faults, log, watch, later } = await bench();
  await store.saveBot(addedBot('added'));
  const bots = await watch();
  faults.fail('bots', 'before');
  await store.saveBot(addedBot('another'));
  await later();
  expect(idsOf(bots)).toEqual(['main', 'added']);
  expect(log.at('warn')).toEqual(['which bots there are could not be looked for']);
  await later();
  expect(idsOf(bots)).toEqual(['main', 'added', 'another']);
});

test('nobody looks any more once it is closed', async () => {
  const { faults, watch, later } = await bench();
  const bots = await watch();
  bots.close();
  await later();
  expect(faults.calls.filter((call) => call === 'bots')).toHaveLength(1);
});
