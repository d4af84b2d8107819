import { DragomanError } from '../../base/errors.ts';
import type { Guid } from '../../base/ids.ts';
import { JOB_COLLECTIONS, type MediaProcessingJob } from '../../jobs/job.ts';
import type { JobStore } from '../../store/job-store.ts';
import type { WorkStore } from '../../store/work-store.ts';
import type { JobsAdministration } from '../administration.ts';
import { numberIn } from './cursor.ts';
import { unknownBot, unknownPool } from './known-names.ts';
import { jobViewOf } from './shown.ts';

export interface JobsOptions {
  readonly store: Pick<JobStore, 'listJobs' | 'countJobs'> & Pick<WorkStore, 'jobByGuid'>;
  readonly bots: ReadonlyMap<string, unknown>;
  /** By name, those of the configuration. */
  readonly pools: readonly string[];
}

/** What needs no running bot. */
export function administerJobs({
  store,
  bots,
  pools,
}: JobsOptions): Pick<JobsAdministration, 'list' | 'show'> {
  const hasJobs = async (botId: string): Promise<boolean> => {
    for (const collection of JOB_COLLECTIONS) {
      const { jobs } = await store.listJobs({ collection, filter: { botId }, beforeSeq: null, limit: 1 });
      if (jobs.length > 0) return true;
    }
    return false;
  };
  /** Jobs may outlive their bot or pool: only a name without any is a mistake. */
  const assertMeant = async (botId: string | undefined, pool: string | undefined): Promise<void> => {
    if (botId !== undefined && !bots.has(botId) && !(await hasJobs(botId))) {
      throw unknownBot(botId, bots.keys());
    }
    if (pool === undefined || pools.includes(pool)) return;
    const counts = await store.countJobs();
    if (counts.every((each) => each.pool !== pool)) throw unknownPool(pool, pools);
  };
  return {
    async list({ collection, ...filter }, { after, limit }) {
      const beforeSeq = after === undefined ? null : numberIn(after);
      const { jobs, nextBeforeSeq } = await store.listJobs({ collection, filter, beforeSeq, limit });
      if (jobs.length === 0) await assertMeant(filter.botId, filter.pool);
      return {
        items: jobs.map(jobViewOf),
        next: nextBeforeSeq === null ? null : String(nextBeforeSeq),
      };
    },
    show: async (guid) => jobViewOf(await jobNamed(store, guid)),
  };
}

/** Rejects with `not_found` when there is none. */
export async function jobNamed(store: Pick<WorkStore, 'jobByGuid'>, guid: Guid): Promise<MediaProcessingJob> {
  const job = await store.jobByGuid(guid);
  if (job === null) throw noJob(guid);
  return job;
}

export const noJob = (guid: Guid): DragomanError =>
  new DragomanError('not_found', `there is no job ${guid}: see dragoman jobs list`);
