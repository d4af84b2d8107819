import { describe, expect, test } from 'vitest';
import { runRecovery } from '../../../src/actors/recovery-steps.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { RecordingLogger } from '../../support/recording-logger.ts';

function bench() {
  const [clock, log] = [new ManualClock(), new RecordingLogger()];
  const step = (name: string, count: number, durationMs: number) => ({
    name,
    async run() {
      clock.advance(durationMs);
      return count;
    },
  });
  return { clock, log, step, told: (level: string) => log.lines.filter((line) => line.level === level) };
}

describe('a recovery', () => {
  test('tells in one line what each step did and how long it took, in their order', async () => {
    const { clock, log, step, told } = bench();
    await runRecovery({ clock, log, title: 'recovered' }, [step('sweep', 3, 40), step('reap', 0, 2)]);
    const steps = [
      { step: 'sweep', count: 3, duration_ms: 40 },
      { step: 'reap', count: 0, duration_ms: 2 },
    ];
    expect(told('info')).toMatchObject([{ message: 'recovered', fields: { steps, duration_ms: 42 } }]);
  });

  test('that a step fails begins none behind it, and tells how far it came', async () => {
    const { clock, log, step, told } = bench();
    const broken = { name: 'promote', run: () => Promise.reject(new Error('away')) };
    const steps = [step('sweep', 3, 40), broken, step('reap', 1, 1)];
    await expect(runRecovery({ clock, log, title: 'recovered' }, steps)).rejects.toThrow('away');
    expect(told('debug')).toMatchObject([{ fields: { step: 'sweep', count: 3 } }]);
    expect(told('info')).toEqual([]);
  });
});
