import type { Clock, Timer } from '../../src/base/clock.ts';

interface Pending {
  readonly dueAt: number;
  readonly task: () => void;
}

/**
 * A clock that moves only when the test says so.
 *   C1 Tasks run in due order; those due at the same instant run in the order they were scheduled.
 *   C2 While a task runs, `now()` is the instant it was due.
 *   C3 A task scheduled by a task runs in the same `advance` if it is due by its end.
 *   C4 What fell due while it slept runs in due order afterwards: late.
 */
export class ManualClock implements Clock {
  #now: number;
  readonly #pending = new Set<Pending>();

  /** `startAt`: epoch milliseconds. */
  constructor(startAt = 1_700_000_000_000) {
    this.#now = startAt;
  }

  now(): number {
    return this.#now;
  }

  schedule(delayMs: number, task: () => void): Timer {
    const pending = { dueAt: this.#now + Math.max(delayMs, 0), task };
    this.#pending.add(pending);
    return { cancel: () => this.#pending.delete(pending) };
  }

  /** Timers that have neither run nor been cancelled: zero proves that every owner closed its own. */
  get pendingTimers(): number {
    return this.#pending.size;
  }

  /** Moves time on by `ms` and runs what falls due. Does not wait for promises that the tasks start. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (let next = this.#nextDue(end); next !== null; next = this.#nextDue(end)) {
      this.#pending.delete(next);
      this.#now = Math.max(this.#now, next.dueAt);
      next.task();
    }
    this.#now = end;
  }

  /** Time goes on by `ms` without this process, as while it is paused. */
  sleep(ms: number): void {
    this.#now += ms;
    this.advance(0);
  }

  #nextDue(end: number): Pending | null {
    let first: Pending | null = null;
    for (const pending of this.#pending) {
      if (pending.dueAt <= end && (first === null || pending.dueAt < first.dueAt)) first = pending;
    }
    return first;
  }
}
