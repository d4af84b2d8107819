import { expect, test } from 'vitest';
import { pruneDuplicateKeys } from '../../../src/system/duplicate-keys.ts';
import { settle } from '../../support/actor-kit.ts';
import { storeAway } from '../../support/intercepted-store.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { RecordingLogger } from '../../support/recording-logger.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

test('old duplicate keys are forgotten at once and every hour, though one time fails, until cancelled', async () => {
  const clock = new ManualClock();
  const log = new RecordingLogger();
  const startedAt = clock.now();
  const before: number[] = [];
  const store = {
    pruneMessageIds: (time: number) => {
      before.push(time - startedAt);
      return before.length === 2 ? Promise.reject(storeAway('pruneMessageIds')) : Promise.resolve(1);
    },
  };
  const pruning = pruneDuplicateKeys({ store, dedupeDays: 30, clock, log });
  for (let hour = 0; hour < 2; hour += 1) {
    await settle();
    clock.advance(HOUR_MS);
  }
  await settle();
  expect(before).toEqual([0, HOUR_MS, 2 * HOUR_MS].map((time) => time - 30 * DAY_MS));
  expect(log.at('warn')).toEqual(['old duplicate keys could not be forgotten']);
  pruning.cancel();
  expect(clock.pendingTimers).toBe(0);
});
