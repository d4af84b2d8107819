import { DAY_MS } from '../base/units.ts';

export type StopSignal = 'SIGINT' | 'SIGTERM';

/**
 * Resolves at the first Ctrl-C or SIGTERM. A second one ends the process at once. Until then the process stays, though
 * there may be nothing to wait for but a clock: timers of their own accord let it end.
 */
export function untilSignal(): Promise<StopSignal> {
  const alive = setInterval(() => {}, DAY_MS);
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        clearInterval(alive);
        process.once(signal, () => process.exit(1));
        resolve(signal);
      });
    }
  });
}
