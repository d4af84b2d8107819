import type { JobError } from './job.ts';

/** Whether the file of a finished job stays: a failure's is evidence, unless there is none or nobody here can read it. */
export const keepsFile = (error: JobError | null): boolean =>
  error !== null && error.code !== 'corrupt' && error.code !== 'unsupported';
