import type PQueue from 'p-queue';

/**
 * Runs `work` when its turn in the queue comes, and settles as it does. `withdrawn`, if `signal` aborts before its turn:
 * it leaves the queue at once. Work that has begun is waited for, whatever the signal says.
 */
export async function inTurn<T>(
  queue: PQueue,
  signal: AbortSignal,
  work: () => Promise<T>,
  withdrawn: T,
): Promise<T> {
  const begun: Promise<T>[] = [];
  const turn = async (): Promise<void> => {
    const running = work();
    begun.push(running);
    await running;
  };
  // p-queue rejects as soon as the signal aborts, and with the work's own error, which is the caller's to see below.
  await queue.add(turn, { signal }).catch(() => {});
  return begun[0] ?? withdrawn;
}
