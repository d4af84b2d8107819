import type { Clock } from '../base/clock.ts';
import { deadline, untilAborted } from '../base/deadlines.ts';
import { lacksHandles } from '../base/errors.ts';
import type { ClaimedJob, JobError, ProcessingResult } from '../jobs/job.ts';
import { isRetryableFailure } from '../jobs/retry.ts';
import { untrustedWords } from '../jobs/untrusted-words.ts';
import { failureWords, noWords } from '../jobs/words.ts';
import { bareMimeType } from '../queue/media-kind.ts';
import { describeFailure, jobError, seenThrown } from './failure.ts';
import { checkedOutcome } from './media-outcome.ts';
import type { MediaContext, MediaFile, MediaOutcome } from './media.ts';

/** How one attempt ended. */
export type AttemptOutcome =
  /** With what the placeholder becomes. */
  | { readonly kind: 'completed'; readonly result: ProcessingResult }
  /** With a failure that another attempt may cure. */
  | { readonly kind: 'retryable'; readonly error: JobError }
  /** It could not be made: the process had no file handle left. */
  | { readonly kind: 'no_handles' }
  /** Its signal aborted before there was a result. */
  | { readonly kind: 'aborted' };

export interface AttemptLimits {
  readonly clock: Clock;
  /** Deadline of the attempt, in milliseconds. */
  readonly timeoutMs: number;
}

/**
 * Turns one file into words, whatever the processor does: a template method of which subclasses write
 * `processMedia` alone.
 *
 *   P1 `process` never throws and never hangs: each attempt ends at its deadline at the latest, even when
 *      `processMedia` ignores its signal.
 *   P2 Whatever `processMedia` returns or throws becomes a result or a retryable failure.
 *   P3 When the caller's signal aborts before there is a result, there is none: the attempt is as if it had not begun.
 *   P4 What it returns comes out as `UntrustedWords` alone.
 *
 * A processor serves many jobs at a time, so it keeps nothing of a job in its fields.
 */
export abstract class BaseMediaProcessor {
  async process(
    job: ClaimedJob,
    file: MediaFile,
    limits: AttemptLimits,
    signal: AbortSignal,
  ): Promise<AttemptOutcome> {
    using attempt = deadline(limits.clock, limits.timeoutMs);
    const stop = AbortSignal.any([signal, attempt.signal]);
    try {
      stop.throwIfAborted();
      const work = this.processMedia(file, bareMimeType(job.mimeType), contextOf(job), stop);
      return { kind: 'completed', result: format(job, await untilAborted(work, stop)) };
    } catch (raw) {
      const thrown = seenThrown(raw);
      if (signal.aborted) return { kind: 'aborted' };
      if (attempt.signal.aborted) {
        return completedWith(job, jobError('timed_out', `no words within ${limits.timeoutMs} ms`));
      }
      if (lacksHandles(thrown)) return { kind: 'no_handles' };
      const error = describeFailure(thrown);
      return isRetryableFailure(thrown) ? { kind: 'retryable', error } : completedWith(job, error);
    }
  }

  protected abstract processMedia(
    file: MediaFile,
    mimeType: string,
    context: MediaContext,
    signal: AbortSignal,
  ): Promise<MediaOutcome>;

  /** Ends what the processor keeps running between jobs; jobs in hand fail. */
  async close(): Promise<void> {}
}

/** The result of a job that ends in failure: the failed job's error, and what the chat is told. */
export const failureResult = (job: ClaimedJob, error: JobError): ProcessingResult => ({
  kind: 'failure',
  words: failureWords(error.code, job.mimeType),
  error,
});

const completedWith = (job: ClaimedJob, error: JobError): AttemptOutcome => ({
  kind: 'completed',
  result: failureResult(job, error),
});

const contextOf = (job: ClaimedJob): MediaContext => ({
  guid: job.guid,
  ...job.correspondent,
  originalFilename: job.originalFilename,
  caption: job.placeholder.content,
  attempt: job.attempts + 1,
  corruptReason: job.media.corruptReason,
});

function format(job: ClaimedJob, returned: unknown): ProcessingResult {
  const outcome = checkedOutcome(returned);
  if (typeof outcome !== 'string') return failureResult(job, jobError(outcome.code, outcome.reason));
  const words = untrustedWords(outcome);
  return { kind: 'words', words: words === '' ? noWords(job.mimeType) : words };
}
