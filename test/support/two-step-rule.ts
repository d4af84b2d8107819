/** A job that waits. */
export interface WaitingJob {
  readonly botId: string;
  /** Arrival order. */
  readonly seq: number;
}

/**
 * The plain rule of which src/jobs/fairness.ts is the refinement, "single-skip two-step": the oldest job of a bot
 * other than the one served last; when there is none, the oldest job of any.
 */
export function twoStepChoice<T extends WaitingJob>(
  waiting: readonly T[],
  lastBotId: string | null,
): T | null {
  const bySeq = waiting.toSorted((a, b) => a.seq - b.seq);
  return bySeq.find(({ botId }) => botId !== lastBotId) ?? bySeq[0] ?? null;
}
