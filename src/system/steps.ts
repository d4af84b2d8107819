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
  /** Of each step; of all together, `longestMs`. */
  readonly deadlineMs: number;
  /** What the steps do together, for the log. */
  readonly title: string;
}

/** So many deadlines the steps may take together: whoever orchestrates this process waits for it only so long. */
const DEADLINES_IN_ALL = 2.5;

/** How long all steps take together at most. */
export const longestMs = (deadlineMs: number): number => DEADLINES_IN_ALL * deadlineMs;

/**
 * Runs named steps in order. A step that fails or is late is logged, and the next one runs all the same, with what is
 * left of the time, if only to be begun: whatever a step leaves behind is durable.
 */
export async function runSteps(
  { clock, log, deadlineMs, title }: StepsOptions,
  steps: readonly Step[],
): Promise<void> {
  const endsAt = clock.now() + longestMs(deadlineMs);
  for (const { name, run } of steps) {
    const startedAt = clock.now();
    const leftMs = Math.max(0, endsAt - startedAt);
    try {
      await within(clock, Math.min(deadlineMs, leftMs), name, run());
      log.info({ step: name, duration_ms: clock.now() - startedAt }, title);
    } catch (error) {
      log.warn({ step: name, reason: describeError(error) }, `${title}: step not finished`);
    }
  }
}
