import type { Clock } from '../base/clock.ts';
import { pause } from '../base/deadlines.ts';
import { describeError } from '../base/errors.ts';
import type { Guid } from '../base/ids.ts';
import type { Logger } from '../base/log.ts';
import { keepsFile } from '../jobs/evidence.ts';
import type {
  ClaimedJob,
  JobError,
  JobFailureCode,
  MediaProcessingJob,
  ProcessingResult,
} from '../jobs/job.ts';
import { decideRetry, type RetryPolicy } from '../jobs/retry.ts';
import { type AttemptOutcome, type BaseMediaProcessor, failureResult } from './base-media-processor.ts';
import { Heartbeat } from './heartbeat.ts';
import { type JobLedger, type Kept, keptOn } from './job-ledger.ts';
import { type ClaimWrite, persist, type Persisted } from './persist.ts';

/** The part of the staging folder that a worker needs. */
export interface StagedFiles {
  pathOf(guid: Guid): string;
  /** Deletes a file; does nothing when it is not there. */
  remove(guid: Guid): Promise<void>;
}

/** All in milliseconds. */
export interface JobTimes {
  /** Deadline of one attempt. */
  readonly timeoutMs: number;
  readonly leaseMs: number;
  readonly heartbeatMs: number;
  /** How long a result is held for a store that is down, before the job is left to its lease. */
  readonly saveDeadlineMs: number;
}

export const DEFAULT_JOB_TIMES = { leaseMs: 30_000, heartbeatMs: 10_000, saveDeadlineMs: 60_000 } as const;

export interface JobRun {
  readonly processor: BaseMediaProcessor;
  readonly ledger: JobLedger;
  /** Where a gateway's files lie. */
  readonly filesOf: (gatewayId: string) => StagedFiles;
  readonly clock: Clock;
  readonly log: Logger;
  /** In [0, 1). */
  readonly random: () => number;
  readonly times: JobTimes;
  readonly retry: RetryPolicy;
}

export type JobOutcome =
  /** The result is durable. */
  | {
      readonly kind: 'completed';
      readonly result: ProcessingResult;
      readonly completedAt: number;
      /** Else it is the owner of its chat's to settle. */
      readonly isSettled: boolean;
    }
  /** Waiting for its next attempt. */
  | { readonly kind: 'postponed'; readonly availableAt: number }
  /** Given back untried, because the signal aborted. */
  | { readonly kind: 'released' }
  /** Somebody else's now; nothing was written. */
  | { readonly kind: 'lost' }
  /** The store could not be reached for long enough: the lease gives the job back. */
  | { readonly kind: 'unsaved' };

/**
 * The durable life of a claimed job: process, write down what came of it, clean up.
 *
 *   R1 The file goes only after `complete` is durable and under a token that was ours; the file of a failure stays,
 *      unless there is none worth looking at (corrupt, unsupported).
 *   R2 A stale token touches neither job nor file.
 *   R3 An attempt is counted when it failed, and not when `signal` cut it short.
 *   R4 Nothing of it is running when the promise resolves, but work that ignores its signal.
 *
 * `signal`: give the job back. Rejects only with what the store rejects with and what is neither a lost lease nor
 * an unreachable store.
 */
export async function runJob(job: ClaimedJob, run: JobRun, signal: AbortSignal): Promise<JobOutcome> {
  const startedAt = run.clock.now();
  const outcome = await conclude(job, await attempt(job, run, signal), run);
  const failure =
    outcome.kind === 'completed' && outcome.result.kind === 'failure' ? outcome.result.error.code : null;
  run.log[failure === null || OF_THE_MEDIUM.has(failure) ? 'info' : 'warn'](
    {
      guid: job.guid,
      bot_id: job.correspondent.botId,
      pool: job.pool,
      attempt: job.attempts + 1,
      duration_ms: run.clock.now() - startedAt,
      failure,
    },
    `job ${outcome.kind}`,
  );
  return outcome;
}

/** Failures that tell of the medium; all others tell of a processor, which its operator may have to look at. */
const OF_THE_MEDIUM: ReadonlySet<JobFailureCode> = new Set(['corrupt', 'unsupported']);

type Made = Exclude<AttemptOutcome, { readonly kind: 'no_handles' }>;
type Attempted = Made | { readonly kind: 'lost' };

/** How soon the process may have file handles again. */
const NO_HANDLES_PAUSE_MS = 2_000;

async function attempt(job: ClaimedJob, run: JobRun, signal: AbortSignal): Promise<Attempted> {
  const { processor, ledger, filesOf, clock, log, times } = run;
  using heartbeat = new Heartbeat(job, {
    store: ledger,
    clock,
    log,
    intervalMs: times.heartbeatMs,
    leaseMs: times.leaseMs,
  });
  const file = {
    path: filesOf(job.media.gatewayId).pathOf(job.guid),
    bytes: job.media.bytes,
    sha256: job.media.sha256,
  };
  const stop = AbortSignal.any([signal, heartbeat.lost]);
  const make = (): Promise<AttemptOutcome> =>
    processor.process(job, file, { clock, timeoutMs: times.timeoutMs }, stop);
  const outcome = await untilMade(make, job, run, stop);
  return heartbeat.lost.aborted ? { kind: 'lost' } : outcome;
}

/** An attempt for which there was no file handle is none: it is made again, under the same claim, for as long as that lasts. */
async function untilMade(
  make: () => Promise<AttemptOutcome>,
  { guid }: ClaimedJob,
  { clock, log }: JobRun,
  stop: AbortSignal,
): Promise<Made> {
  for (;;) {
    const outcome = await make();
    if (outcome.kind !== 'no_handles') return outcome;
    log.warn({ guid }, 'no file handle is left: a job waits for one');
    // That the job is given back is found out by the next attempt.
    await pause(clock, NO_HANDLES_PAUSE_MS, stop).catch(() => {});
  }
}

async function conclude(job: ClaimedJob, attempted: Attempted, run: JobRun): Promise<JobOutcome> {
  switch (attempted.kind) {
    case 'lost':
      return attempted;
    case 'aborted':
      return release(job, run);
    case 'completed':
      return complete(job, attempted.result, run);
    case 'retryable':
      return postponeOrFail(job, attempted.error, run);
  }
}

async function complete(job: ClaimedJob, result: ProcessingResult, run: JobRun): Promise<JobOutcome> {
  const completedAt = run.clock.now();
  const kept = await save<Kept>(
    job,
    {
      write: () => run.ledger.complete(job, result, completedAt),
      seenOn: (stored) => keptOn(stored, result),
    },
    run,
  );
  if (kept === 'stale' || kept === 'unreachable') return unwritten(kept);
  if (!keepsFile(result.kind === 'failure' ? result.error : null)) await removeFile(job, run);
  return { kind: 'completed', result, completedAt, isSettled: kept === 'settled' };
}

async function postponeOrFail(job: ClaimedJob, error: JobError, run: JobRun): Promise<JobOutcome> {
  const { clock, ledger, random, retry } = run;
  const decision = decideRetry(retry, job.attempts + 1, random());
  if (decision.kind === 'exhausted') return complete(job, failureResult(job, error), run);
  const availableAt = clock.now() + decision.delayMs;
  const write = whether(
    () => ledger.postpone(job, availableAt, error, clock.now()),
    // When it is due may be told by the store's clock; nobody else's failure is this attempt's.
    (stored) => stored?.status === 'waiting' && stored.attempts === job.attempts + 1,
  );
  const persisted = await save(job, write, run);
  return persisted === 'written' ? { kind: 'postponed', availableAt } : unwritten(persisted);
}

async function release(job: ClaimedJob, run: JobRun): Promise<JobOutcome> {
  const write = whether(
    () => run.ledger.release(job, run.clock.now()),
    (stored) => stored?.status === 'pending',
  );
  const persisted = await save(job, write, run);
  return persisted === 'written' ? { kind: 'released' } : unwritten(persisted);
}

const whether = (
  write: () => Promise<boolean>,
  isWritten: (stored: MediaProcessingJob | null) => boolean,
): ClaimWrite<'written'> => ({
  write: async () => ((await write()) ? 'written' : 'stale'),
  seenOn: (stored) => (isWritten(stored) ? 'written' : 'stale'),
});

const save = <Done extends string>(
  job: ClaimedJob,
  write: ClaimWrite<Done>,
  run: JobRun,
): Promise<Persisted<Done>> =>
  persist(job, write, {
    store: run.ledger,
    clock: run.clock,
    log: run.log,
    deadlineMs: run.times.saveDeadlineMs,
  });

const unwritten = (persisted: 'stale' | 'unreachable'): JobOutcome =>
  persisted === 'stale' ? { kind: 'lost' } : { kind: 'unsaved' };

/** A file that stays is the janitor's: the result is durable, so nothing fails because of it. */
async function removeFile(job: ClaimedJob, run: JobRun): Promise<void> {
  try {
    await run.filesOf(job.media.gatewayId).remove(job.guid);
  } catch (error) {
    run.log.warn({ guid: job.guid, err: describeError(error) }, 'a processed file could not be deleted');
  }
}
