import type { Clock } from '../../base/clock.ts';
import type { DragomanError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';

/** What all actors of a system share. */
export interface Runtime {
  readonly clock: Clock;
  readonly log: Logger;
  /** Default deadline of an ask. */
  readonly askDeadlineMs: number;
  /** Deadline of a behaviour's `started`. */
  readonly startDeadlineMs: number;
  /** Default grace of a stop. */
  readonly graceMs: number;
  /** Logs and counts a tell that was not handled. */
  tellFailed(path: string, topic: string, error: DragomanError): void;
}
