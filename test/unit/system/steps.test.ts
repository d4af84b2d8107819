import { describe, expect, test } from 'vitest';
import { runSteps } from '../../../src/system/steps.ts';
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
});
