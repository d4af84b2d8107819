import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';

/** One step of a recovery. It may be cut off at any point and run again. */
export interface RecoveryStep {
  readonly name: string;
  /** Resolves to how many things it did something for. */
  readonly run: () => Promise<number>;
}

export interface RecoveryRun {
  readonly clock: Clock;
  /** Carries what is recovered. */
  readonly log: Logger;
  /** What the steps do together, for the log. */
  readonly title: string;
}

/**
 * Runs the steps in order, each one's count and time logged. Rejects with what a step rejects with; those behind it have
 * not begun, and all of them may be run again.
 */
export async function runRecovery(
  { clock, log, title }: RecoveryRun,
  steps: readonly RecoveryStep[],
): Promise<void> {
  const begunAt = clock.now();
  const counts: Record<string, number> = {};
  for (const { name, run } of steps) {
    const startedAt = clock.now();
    const count = await run();
    counts[name] = count;
    log.debug({ step: name, count, duration_ms: clock.now() - startedAt }, `${title}: step done`);
  }
  log.info({ ...counts, duration_ms: clock.now() - begunAt }, title);
}
