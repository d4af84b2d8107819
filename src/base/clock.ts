/** A timer that has not fired yet. */
export interface Timer {
  /** Withdraws the task; does nothing when it has run. */
  cancel(): void;
}

/** Time as the program sees it: injected everywhere, so that tests and simulations own it. */
export interface Clock {
  /** Milliseconds since the epoch. Never runs backwards within a process. */
  now(): number;
  /** Runs `task` once, `delayMs` from now. A pending timer does not keep the process alive. */
  schedule(delayMs: number, task: () => void): Timer;
}

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * The wall clock at start plus monotonic time since, so that a step of the host's clock neither
 * evicts a message nor ends a lease.
 */
export function systemClock(): Clock {
  const startedAt = Date.now() - performance.now();
  return {
    now: () => Math.floor(startedAt + performance.now()),
    schedule(delayMs, task) {
      const handle = setTimeout(task, Math.min(Math.max(delayMs, 0), LONGEST_TIMER_MS));
      handle.unref();
      return { cancel: () => clearTimeout(handle) };
    },
  };
}
