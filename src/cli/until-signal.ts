export type StopSignal = 'SIGINT' | 'SIGTERM';

/** Resolves at the first Ctrl-C or SIGTERM. A second one ends the process at once. */
export function untilSignal(): Promise<StopSignal> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        process.once(signal, () => process.exit(1));
        resolve(signal);
      });
    }
  });
}
