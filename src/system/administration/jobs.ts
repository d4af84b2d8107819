import { DragomanError } from '../../base/errors.ts';
import type { Guid } from '../../base/ids.ts';
import type { MediaProcessingJob } from '../../jobs/job.ts';
import type { DeadLetterStore } from '../../store/dead-letter-store.ts';
import type { JobStore } from '../../store/job-store.ts';
import type { WorkStore } from '../../store/work-store.ts';
import type { JobsAdministration } from '../administration.ts';
import type { RunningBot } from '../ingress.ts';
import { assertKnownBot } from './bots.ts';
import { numberIn } from './cursor.ts';
import { jobViewOf } from './shown.ts';

export interface JobsOptions {
  readonly store: Pick<JobStore, 'listJobs'> & Pick<WorkStore, 'jobByGuid'> & DeadLetterStore;
  readonly bots: ReadonlyMap<string, RunningBot>;
  /** Lets go of the file of a job that nobody needs any more. Never rejects. */
  readonly forgetFile: (job: { readonly guid: Guid; readonly gatewayId: string }) => Promise<void>;
}

export function administerJobs({ store, bots, forgetFile }: JobsOptions): JobsAdministration {
  const find = async (guid: Guid): Promise<MediaProcessingJob> => {
    const job = await store.jobByGuid(guid);
    if (job === null) throw notFound(guid);
    return job;
  };
  return {
    async list({ collection, ...filter }, { after, limit }) {
      const beforeSeq = after === undefined ? null : numberIn(after);
      const { jobs, nextBeforeSeq } = await store.listJobs({ collection, filter, beforeSeq, limit });
      return {
        items: jobs.map(jobViewOf),
        next: nextBeforeSeq === null ? null : String(nextBeforeSeq),
      };
    },
    show: async (guid) => jobViewOf(await find(guid)),
    async retry(guid) {
      const { correspondent } = await find(guid);
      const { botId } = correspondent;
      assertKnownBot(bots, botId);
      const outcome = await bots.get(botId)?.ref.ask('retry', { correspondent, guid });
      switch (outcome?.kind) {
        case 'retried':
          return { guid, messageId: outcome.id, correctsId: outcome.correctsId };
        case 'not_failed':
          throw notFailed(guid);
        case 'file_gone':
          throw new DragomanError(
            'file_gone',
            `the file of job ${guid} is not in the staging folder any more: ask for it to be sent again`,
          );
        case 'too_many_pending':
          throw new DragomanError(
            'too_many_pending',
            'the chat has as many media waiting as it may (limits.maxPlaceholders): try again later',
          );
        case 'not_found':
        case undefined:
          throw notFound(guid);
      }
    },
    async drop(guid) {
      const job = await find(guid);
      const outcome = await store.dropFailedJob(guid);
      if (outcome === 'not_failed') throw notFailed(guid);
      if (outcome === 'not_found') throw notFound(guid);
      await forgetFile({ guid, gatewayId: job.media.gatewayId });
      return jobViewOf(job);
    },
  };
}

const notFound = (guid: Guid): DragomanError =>
  new DragomanError('not_found', `there is no job ${guid}: see dragoman jobs list`);

const notFailed = (guid: Guid): DragomanError =>
  new DragomanError('job_not_failed', `job ${guid} is alive: only a failed one can be retried or dropped`);
