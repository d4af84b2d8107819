import { DragomanError } from '../../base/errors.ts';
import type { Guid } from '../../base/ids.ts';
import type { FailedJobStore } from '../../store/failed-job-store.ts';
import type { WorkStore } from '../../store/work-store.ts';
import type { JobsAdministration } from '../administration.ts';
import type { RunningBot } from '../running-bot.ts';
import { jobNamed, noJob } from './jobs.ts';
import { assertKnownBot } from './known-names.ts';
import { jobViewOf } from './shown.ts';

export interface FailedJobsOptions {
  readonly store: Pick<WorkStore, 'jobByGuid'> & FailedJobStore;
  readonly bots: ReadonlyMap<string, RunningBot>;
  /** Lets go of the file of a job that nobody needs any more. Never rejects. */
  readonly forgetFile: (job: { readonly guid: Guid; readonly gatewayId: string }) => Promise<void>;
}

export const administerFailedJobs = ({
  store,
  bots,
  forgetFile,
}: FailedJobsOptions): Pick<JobsAdministration, 'retry' | 'drop'> => ({
  async retry(guid) {
    const { correspondent } = await jobNamed(store, guid);
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
        throw noJob(guid);
    }
  },
  async drop(guid) {
    const job = await jobNamed(store, guid);
    const outcome = await store.dropFailedJob(guid);
    if (outcome === 'not_failed') throw notFailed(guid);
    if (outcome === 'not_found') throw noJob(guid);
    await forgetFile({ guid, gatewayId: job.media.gatewayId });
    return jobViewOf(job);
  },
});

const notFailed = (guid: Guid): DragomanError =>
  new DragomanError('job_not_failed', `job ${guid} is alive: only a failed one can be retried or dropped`);
