import type { Clock } from '../base/clock.ts';
import { within } from '../base/deadlines.ts';
import { describeError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';

export interface Step {
  readonly name: string;
  readonly run: () => Promise<unknown>;
}

export interface StepsOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** Of each step. */
  readonly deadlineMs: number;
  /** What the steps do together, for the log. */
  readonly title: string;
}

/**
 * Runs named steps in order. A step that fails or is late is logged, and the next one runs all the same: whatever a
 * step leaves behind is durable.
 */
export async function runSteps(
  { clock, log, deadlineMs, title }: StepsOptions,
  steps: readonly Step[],
): Promise<void> {
  for (const { name, run } of steps) {
    const startedAt = clock.now();
    try {
      await within(clock, deadlineMs, name, run());
      log.info({ step: name, duration_ms: clock.now() - startedAt }, title);
    } catch (error) {
      log.warn({ step: name, reason: describeError(error) }, `${title}: step not finished`);
    }
  }
}
