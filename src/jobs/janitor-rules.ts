import type { Guid } from '../base/ids.ts';
import type { JobCollection, JobStatus, MediaProcessingJob } from './job.ts';

/** What the janitor may end and delete. Pure: it is told what is, and says what is to go and what stays, and why. */

/** Milliseconds. */
export interface JanitorLimits {
  /** Idle for so long, a job is stale. */
  readonly staleJobMs: number;
  /** The same for a job that only waits for its bot or its gateway: its file is there, or is to come once they are back. */
  readonly heldJobMs: number;
  /** How long the file of a job that failed stays. */
  readonly failedFileMs: number;
  /** How long the record of a job that failed stays; no shorter than its file. */
  readonly failedJobMs: number;
  /** Before that, a file that no job holds is not looked at. */
  readonly orphanFileMs: number;
}

export interface JobFacts {
  readonly now: number;
  /** Age counts from here at the earliest: before, nobody could have done anything, for the backend or its store was away. */
  readonly countsFrom: number;
  readonly isBotConnected: boolean;
  /** When a job of its pool was completed last; null: not since `countsFrom`. */
  readonly poolCompletedAt: number | null;
  readonly hasFile: boolean;
}

/** Whether a job is stale: nothing will come of it by itself. */
export function isStale(
  job: Pick<MediaProcessingJob, 'collection' | 'status' | 'changedAt'>,
  { now, countsFrom, isBotConnected, poolCompletedAt, hasFile }: JobFacts,
  { staleJobMs, heldJobMs }: JanitorLimits,
): boolean {
  const idleMs = now - Math.max(job.changedAt, countsFrom);
  // A bot that has just come back has its jobs yet to be promoted: that is when their time begins anew.
  const isAtWork = isBotConnected && job.collection === 'active';
  switch (job.status) {
    case 'processing':
    case 'completed':
      return false;
    case 'downloading':
      // Only a gateway that is there can be too late, and what it has put there it has yet to tell.
      return idleMs >= (isAtWork && !hasFile ? staleJobMs : heldJobMs);
    case 'pending':
    case 'waiting': {
      if (!isAtWork) return idleMs >= (hasFile ? heldJobMs : staleJobMs);
      // In a pool that gets on, it is only waiting for its turn.
      const poolIdleMs = now - Math.max(poolCompletedAt ?? 0, countsFrom);
      return idleMs >= staleJobMs && poolIdleMs >= staleJobMs;
    }
  }
}

/** A file of the staging folder. */
export interface FileFacts {
  readonly guid: Guid;
  /** A `.part`. */
  readonly partial: boolean;
  /** Epoch milliseconds. */
  readonly modifiedAt: number;
}

/** The job that a file belongs to. */
export interface HoldingJob {
  readonly collection: JobCollection;
  readonly status: JobStatus;
  readonly changedAt: number;
}

/** Whether a job still needs its file: a result that waits for its bot, which may never come, does not. */
export const needsFile = ({ collection, status }: Pick<HoldingJob, 'collection' | 'status'>): boolean =>
  collection !== 'failed' && status !== 'completed';

/** What a gateway says of files that no job holds. */
export type GatewayWord =
  { readonly kind: 'away' } | { readonly kind: 'busy' } | { readonly kind: 'holds' | 'holds not' };

export type FileFate =
  | { readonly kind: 'goes'; readonly why: 'orphan' | 'failed' }
  | {
      readonly kind: 'stays';
      readonly why: 'young' | 'needed' | 'evidence' | 'gateway away' | 'gateway busy' | 'gateway holds it';
    };

/** `job`: looked for after the gateways were asked, or a frame could be accepted in between. */
export function fateOfFile(
  file: FileFacts,
  job: HoldingJob | null,
  gateways: readonly GatewayWord[],
  now: number,
  { failedFileMs, orphanFileMs }: JanitorLimits,
): FileFate {
  if (job !== null && needsFile(job)) return { kind: 'stays', why: 'needed' };
  if (job !== null && !file.partial) {
    return now - job.changedAt >= failedFileMs
      ? { kind: 'goes', why: 'failed' }
      : { kind: 'stays', why: 'evidence' };
  }
  if (now - file.modifiedAt < orphanFileMs) return { kind: 'stays', why: 'young' };
  const says = (kind: GatewayWord['kind']): boolean => gateways.some((word) => word.kind === kind);
  if (gateways.length === 0 || says('away')) return { kind: 'stays', why: 'gateway away' };
  if (says('holds')) return { kind: 'stays', why: 'gateway holds it' };
  if (says('busy')) return { kind: 'stays', why: 'gateway busy' };
  return { kind: 'goes', why: 'orphan' };
}
