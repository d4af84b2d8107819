import { within } from '../actors/kit/within.ts';
import type { Clock } from '../base/clock.ts';
import { describeError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';

export interface Step {
  readonly name: string;
  readonly deadlineMs: number;
  run(): Promise<unknown>;
}

/**
 * Runs named steps in order. A step that fails or is late is logged, and the next one runs all the same: whatever a
 * step leaves behind is durable.
 */
export async function runSteps(
  { clock, log, title }: { readonly clock: Clock; readonly log: Logger; readonly title: string },
  steps: readonly Step[],
): Promise<void> {
  for (const { name, deadlineMs, run } of steps) {
    const startedAt = clock.now();
    try {
      await within(clock, deadlineMs, name, run());
      log.info({ step: name, duration_ms: clock.now() - startedAt }, title);
    } catch (error) {
      log.warn({ step: name, reason: describeError(error) }, `${title}: step not finished`);
    }
  }
}
