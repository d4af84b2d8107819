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
 * Runs the steps in order; one line tells each one's count and time. Rejects with what a step rejects with; those behind it have
 * not begun, and all of them may be run again.
 */
export async function runRecovery(
  { clock, log, title }: RecoveryRun,
  steps: readonly RecoveryStep[],
): Promise<void> {
  const begunAt = clock.now();
  const done: { readonly step: string; readonly count: number; readonly duration_ms: number }[] = [];
  for (const { name, run } of steps) {
    const startedAt = clock.now();
    const count = await run();
    const step = { step: name, count, duration_ms: clock.now() - startedAt };
    done.push(step);
    // Of a recovery that is cut off, this tells how far it came.
    log.debug(step, `${title}: step done`);
  }
  log.info({ steps: done, duration_ms: clock.now() - begunAt }, title);
}
