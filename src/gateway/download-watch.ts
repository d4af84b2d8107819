import type { Clock, Timer } from '../base/clock.ts';
import { type DownloadFailure, downloadFailed } from './download-outcome.ts';

type Verdict = 'aborted' | 'idle' | 'timeout';

/** Aborts a download that was withdrawn, brings nothing for too long, or takes too long in all; and tells which it was. */
export class DownloadWatch {
  readonly #controller = new AbortController();
  readonly #clock: Clock;
  readonly #idleTimeoutMs: number;
  readonly #outer: AbortSignal;
  readonly #withdraw = (): void => this.#end('aborted');
  readonly #totalTimer: Timer;
  #idleTimer: Timer;
  #verdict: Verdict | null = null;

  constructor(
    clock: Clock,
    limits: { readonly idleTimeoutMs: number; readonly downloadTimeoutMs: number },
    outer: AbortSignal,
  ) {
    this.#clock = clock;
    this.#idleTimeoutMs = limits.idleTimeoutMs;
    this.#outer = outer;
    this.#totalTimer = clock.schedule(limits.downloadTimeoutMs, () => this.#end('timeout'));
    this.#idleTimer = this.#startIdleTimer();
    outer.addEventListener('abort', this.#withdraw, { once: true });
    if (outer.aborted) this.#withdraw();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Bytes came. */
  heard(): void {
    this.#idleTimer.cancel();
    this.#idleTimer = this.#startIdleTimer();
  }

  /** Why the download was aborted; null when it was not. */
  failure(): DownloadFailure | null {
    return this.#verdict === null ? null : downloadFailed(this.#verdict);
  }

  /** Nothing more is waited for: a connection that is still open is dropped. */
  close(): void {
    this.#controller.abort();
    this.#totalTimer.cancel();
    this.#idleTimer.cancel();
    this.#outer.removeEventListener('abort', this.#withdraw);
  }

  #startIdleTimer(): Timer {
    return this.#clock.schedule(this.#idleTimeoutMs, () => this.#end('idle'));
  }

  #end(verdict: Verdict): void {
    this.#verdict ??= verdict;
    this.#controller.abort();
  }
}
