import type { JobFilter, Page } from '../system/administration.ts';
import type { JobView } from '../system/administration/views.ts';
import type { ConfigSources } from '../system/config.ts';
import { EXIT } from './exit-codes.ts';
import { linesOf } from './job-lines.ts';
import { duration, oneLine, table } from './table.ts';
import { withBackend, withReadable } from './with-administration.ts';

/** `dragoman jobs list`. Each of these resolves to the exit code. */
export const listJobs = (
  sources: ConfigSources,
  filter: JobFilter,
  page: Page,
  asJson: boolean,
): Promise<number> =>
  withReadable(sources, async ({ jobs }) => {
    const { items, next } = await jobs.list(filter, page);
    if (asJson) console.log(JSON.stringify({ items, next }));
    else if (items.length === 0) console.log(`No ${filter.collection} jobs.`);
    else {
      const now = Date.now();
      const rows = items.map((job) => rowOf(job, now));
      console.log(table(['GUID', 'STATUS', 'POOL', 'BOT', 'AGE', 'ATTEMPTS', 'ERROR'], rows));
      if (next !== null) console.log(`More: --after ${next}`);
    }
    return EXIT.ok;
  });

/** `dragoman jobs show`. */
export const showJob = (sources: ConfigSources, guid: string, asJson: boolean): Promise<number> =>
  withReadable(sources, async ({ jobs }) => {
    const job = await jobs.show(guid);
    if (asJson) console.log(JSON.stringify(job));
    else for (const line of linesOf(job)) console.log(line);
    return EXIT.ok;
  });

export interface Change {
  readonly what: 'retry' | 'drop';
  /** Null: every failed job that `filter` names. */
  readonly guid: string | null;
  readonly filter: Pick<JobFilter, 'botId' | 'pool'>;
  readonly json: boolean;
}

/** `dragoman jobs retry` and `drop`. With one that fails the others go on, and the exit code is 1. */
export const changeJobs = (sources: ConfigSources, { what, guid, filter, json }: Change): Promise<number> =>
  withBackend(sources, async ({ jobs }) => {
    if (guid !== null) {
      const outcome = await jobs[what](guid);
      if (json) console.log(JSON.stringify(outcome));
      else console.log(what === 'drop' ? `${guid}: dropped` : `${guid}: waits for a worker again`);
      return EXIT.ok;
    }
    const { changeFailedJobs } = await import('./failed-jobs.ts');
    return changeFailedJobs(jobs, { what, filter, json });
  });

function rowOf(job: JobView, now: number): readonly string[] {
  const error = job.error === null ? '' : oneLine(`${job.error.code}: ${job.error.reason}`, 60);
  const age = duration(now - job.createdAt);
  const status = job.collection === 'failed' ? 'failed' : job.status;
  return [job.guid, status, job.pool ?? '-', job.correspondent.botId, age, String(job.attempts), error];
}
