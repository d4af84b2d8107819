import { causesOf, DragomanError, hasCode } from '../base/errors.ts';
import type { JobError, JobFailureCode } from '../jobs/job.ts';
import { MAX_REASON_CHARACTERS } from './media-outcome.ts';

const MAX_STACK_CHARACTERS = 8_192;

/** A failed job's error, cut to what is kept of it. */
export const jobError = (code: JobFailureCode, reason: string, stack: string | null = null): JobError => ({
  code,
  reason: reason.slice(0, MAX_REASON_CHARACTERS),
  stack: stack?.slice(0, MAX_STACK_CHARACTERS) ?? null,
});

/** What a processor threw, or an error in its place when it lets nobody look at it, as a getter or a proxy that throws. */
export function seenThrown(thrown: unknown): unknown {
  try {
    for (const { retryable, status, statusCode, code, message } of causesOf(thrown)) {
      void [retryable, status, statusCode, code, message];
    }
    describeFailure(thrown);
    return thrown;
  } catch {
    return new DragomanError('processing_failed', 'threw what cannot be looked at');
  }
}

/** What a processor threw, whatever that was. */
export function describeFailure(thrown: unknown): JobError {
  const code = hasCode(thrown, 'worker_died') ? 'worker_died' : 'failed';
  const stack = thrown instanceof Error && typeof thrown.stack === 'string' ? thrown.stack : null;
  const reason: unknown = thrown instanceof Error ? thrown.message : thrown;
  return jobError(
    code,
    typeof reason === 'string' ? reason : `threw a value of type ${typeof reason}`,
    stack,
  );
}
