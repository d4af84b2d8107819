import { describe, expect, test } from 'vitest';
import { longestMs, runSteps } from '../../../src/system/steps.ts';
import { settle } from '../../support/actor-kit.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { RecordingLogger } from '../../support/recording-logger.ts';

describe('steps', () => {
  test('run in order, the next one whatever became of the one before', async () => {
    const clock = new ManualClock();
    const log = new RecordingLogger();
    const ran: string[] = [];
    const step = (name: string, run: () => Promise<unknown>) => ({
      name,
      run: () => {
        ran.push(name);
        return run();
      },
    });
    const running = runSteps({ clock, log, deadlineMs: 1_000, title: 'drain' }, [
      step('a', () => Promise.reject(new Error('no'))),
      step('b', () => new Promise(() => {})),
      step('c', () => Promise.resolve()),
    ]);
    await settle();
    expect(ran).toEqual(['a', 'b']);
    clock.advance(1_000);
    await running;
    expect(ran).toEqual(['a', 'b', 'c']);
    expect(log.lines.map(({ level, fields }) => [level, fields['step']])).toEqual([
      ['warn', 'a'],
      ['warn', 'b'],
      ['info', 'c'],
    ]);
    expect(clock.pendingTimers).toBe(0);
  });

  test('that are all late take two and a half deadlines together, and each is begun', async () => {
    const clock = new ManualClock();
    const log = new RecordingLogger();
    const startedAt = clock.now();
    const begun: number[] = [];
    const late = {
      name: 'late',
      run: () => {
        begun.push(clock.now() - startedAt);
        return new Promise(() => {});
      },
    };
    const running = runSteps(
      { clock, log, deadlineMs: 1_000, title: 'drain' },
      Array.from({ length: 8 }, () => late),
    );
    for (let nth = 0; nth < 10; nth += 1) {
      await settle();
      clock.advance(250);
    }
    for (let nth = 0; nth < 8; nth += 1) {
      await settle();
      clock.advance(0);
    }
    await running;
    expect(begun).toEqual([0, 1_000, 2_000, 2_500, 2_500, 2_500, 2_500, 2_500]);
    expect(clock.now() - startedAt).toBe(longestMs(1_000));
  });
});
