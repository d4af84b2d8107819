import type { Clock, Timer } from '../../base/clock.ts';
import { DragomanError } from '../../base/errors.ts';
import type { Caller, Outcome } from './message.ts';

/** What is asked of whom, for error messages. */
export interface Question {
  readonly topic: string;
  readonly addressee: { readonly path: string };
}

/**
 * An ask in flight, as its caller holds it.
 *   A1 `reply` settles once: with the outcome, or as `deadline_exceeded` or `aborted` the moment that happens.
 *   A2 After `reply` settled, no timer and no listener is left.
 *   A3 `withdrawal` says that the caller gave up, so that a message not handled yet is skipped.
 */
export class Call implements Caller {
  readonly reply: Promise<unknown>;
  withdrawal: DragomanError | null = null;
  readonly #resolve: (value: unknown) => void;
  readonly #reject: (error: DragomanError) => void;
  readonly #timer: Timer;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort: (() => void) | undefined;

  constructor(clock: Clock, deadlineMs: number, signal: AbortSignal | undefined, question: Question) {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.reply = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#timer = clock.schedule(deadlineMs, () => {
      const { topic, addressee } = question;
      const message = `expected ${addressee.path} to answer ${topic} within ${deadlineMs} ms`;
      this.#withdraw(new DragomanError('deadline_exceeded', message));
    });
    if (signal === undefined) return;
    const abort = () => {
      const message = `the caller of ${question.topic} at ${question.addressee.path} withdrew`;
      this.#withdraw(new DragomanError('aborted', message, { cause: signal.reason }));
    };
    this.#signal = signal;
    this.#onAbort = abort;
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort);
  }

  settle(outcome: Outcome): void {
    this.#release();
    if (outcome.kind === 'reply') this.#resolve(outcome.value);
    else this.#reject(outcome.error);
  }

  #withdraw(error: DragomanError): void {
    this.withdrawal = error;
    this.#release();
    this.#reject(error);
  }

  #release(): void {
    this.#timer.cancel();
    if (this.#onAbort !== undefined) this.#signal?.removeEventListener('abort', this.#onAbort);
  }
}
