import type { JobError } from './job.ts';

/**
 * Whether the file of a finished job stays: a failure's is evidence, unless there is none, nobody here can read it or
 * nobody ever tried.
 */
export const keepsFile = (error: JobError | null): boolean =>
  error !== null && !['corrupt', 'unsupported', 'stale', 'too_many_pending'].includes(error.code);
