import { backOffMs } from '../base/back-off.ts';
import type { Clock, Timer } from '../base/clock.ts';
import { describeError, isRetryable } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';

const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 30_000;

/**
 * What must be written to the journal and may find it unwritable: a full disk passes, and nobody says it again.
 *   R1 What cannot be written now is tried again, ever more slowly, until it can. Any other failure is logged, and the end
 *      of it.
 *   R2 What is asked of one subject is done in order; each kind once, however often it was asked for meanwhile: as last.
 *   R3 Of what may be turned away no more waits than its caller allows of one subject.
 */
export class UntilRecorded {
  readonly #clock: Clock;
  readonly #log: Logger;
  /** By subject, then by kind, in the order asked for. */
  readonly #waiting = new Map<string, Map<string, () => void>>();
  #timer: Timer | null = null;
  #failures = 0;

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
  }

  /**
   * Does `work` now, or as soon as it can be. Never throws. False: it can not be done now, and `mostWaiting` of the subject wait
   * already; it will not be done.
   */
  attempt(subject: string, kind: string, work: () => void, mostWaiting = Infinity): boolean {
    const ofSubject = this.#waiting.get(subject) ?? new Map<string, () => void>();
    const waited = ofSubject.delete(kind);
    ofSubject.set(kind, work);
    this.#waiting.set(subject, ofSubject);
    this.#work(subject, ofSubject);
    const isTooMany = !waited && ofSubject.size > mostWaiting && ofSubject.delete(kind);
    this.#tryAgainLater();
    return !isTooMany;
  }

  close(): void {
    this.#timer?.cancel();
    this.#waiting.clear();
  }

  #tryAgainLater(): void {
    if (this.#waiting.size > 0) this.#timer ??= this.#clock.schedule(this.#delayMs(), () => this.#tryAgain());
  }

  #tryAgain(): void {
    this.#timer = null;
    this.#failures += 1;
    for (const [subject, ofSubject] of this.#waiting) this.#work(subject, ofSubject);
    if (this.#waiting.size === 0) this.#failures = 0;
    else this.#timer = this.#clock.schedule(this.#delayMs(), () => this.#tryAgain());
  }

  #work(subject: string, ofSubject: Map<string, () => void>): void {
    for (const [kind, work] of ofSubject) {
      try {
        work();
      } catch (error) {
        const comesAgain = isRetryable(error);
        this.#log.error(
          { what: kind, subject, reason: describeError(error), comes_again: comesAgain },
          'the gateway could not handle something',
        );
        if (comesAgain) return;
      }
      ofSubject.delete(kind);
    }
    this.#waiting.delete(subject);
  }

  #delayMs(): number {
    return backOffMs(FIRST_RETRY_MS, this.#failures, LONGEST_RETRY_MS);
  }
}
