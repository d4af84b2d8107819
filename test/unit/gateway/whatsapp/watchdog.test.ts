import { describe, expect, test } from 'vitest';
import { Watchdog } from '../../../../src/gateway/whatsapp/watchdog.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

function watched() {
  const clock = new ManualClock();
  const silences: number[] = [];
  const startedAt = clock.now();
  const watchdog = new Watchdog(clock, 45_000, () => silences.push(clock.now() - startedAt));
  return { clock, silences, watchdog };
}

describe('Watchdog', () => {
  test('W1: a link that never says anything is silent after the time', () => {
    const { clock, silences } = watched();
    clock.advance(44_999);
    expect(silences).toEqual([]);
    clock.advance(1);
    expect(silences).toEqual([45_000]);
  });

  test('W1: the time counts from the last frame, and silence is told once', () => {
    const { clock, silences, watchdog } = watched();
    clock.advance(30_000);
    watchdog.sawFrame();
    clock.advance(200_000);
    expect(silences).toEqual([75_000]);
  });

  test('W1: a stopped watchdog leaves no timer and says nothing', () => {
    const { clock, silences, watchdog } = watched();
    clock.advance(50);
    watchdog.stop();
    expect(clock.pendingTimers).toBe(0);
    clock.advance(100_000);
    expect(silences).toEqual([]);
  });
});
