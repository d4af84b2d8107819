import { expect, test } from 'vitest';
import { JournalBounds } from '../../../src/gateway/journal-bounds.ts';
import { gatewaySettings } from '../../../src/gateway/settings.ts';
import { RecordingLogger } from '../../support/recording-logger.ts';

const BOTS = ['a', 'b', 'c', 'd'];

/** A journal of four bots whose soft bound is 40 and whose hard bound is 80: a bot's share is 20, and half of it 10. */
function bench() {
  const log = new RecordingLogger();
  const downloads = { paused: false };
  let held: readonly string[] = [];
  let weights: Readonly<Record<string, number>> = {};
  const bounds = new JournalBounds(
    {
      backlog: () => ({ frames: 0, bytes: Object.values(weights).reduce((sum, own) => sum + own, 0) }),
      bytesOfBots: (least) => new Map(Object.entries(weights).filter(([, own]) => own >= least)),
    },
    gatewaySettings.parse({ journalSoftBytes: 40, journalHardBytes: 80 }),
    downloads,
    { running: BOTS.length, hold: (isHeld) => (held = BOTS.filter(isHeld)) },
    log,
  );
  const heldAt = (next: typeof weights): readonly string[] => {
    weights = next;
    bounds.apply();
    return held;
  };
  return { log, downloads, heldAt };
}

test('B2: below the soft bound nobody is held; from there on whoever has its share, until it has half of that', () => {
  const { heldAt, downloads, log } = bench();
  expect([heldAt({ a: 39 }), downloads.paused]).toEqual([[], false]);
  expect([heldAt({ a: 39, b: 19 }), downloads.paused]).toEqual([['a'], true]);
  expect(heldAt({ a: 35, b: 20 })).toEqual(['a', 'b']);
  expect([heldAt({ a: 10, b: 9 }), downloads.paused]).toEqual([['a'], false]);
  expect(heldAt({ a: 9, b: 20 })).toEqual([]);
  expect(log.at('warn')).toHaveLength(4);
});

test('B1: at the hard bound all are held, until the journal is below the soft one', () => {
  const { heldAt } = bench();
  expect(heldAt({ a: 19, b: 19, c: 19, d: 19 })).toEqual([]);
  expect(heldAt({ a: 19, b: 19, c: 19, d: 23 })).toEqual(BOTS);
  expect(heldAt({ a: 0, b: 19, c: 0, d: 21 })).toEqual(BOTS);
  expect(heldAt({ b: 19, d: 20 })).toEqual(['d']);
});
