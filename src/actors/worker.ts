import type { ClaimedJob } from '../jobs/job.ts';
import { type JobOutcome, type JobRun, runJob } from '../processors/run-job.ts';
import type { ActorDefinition } from './kit/actor.ts';

export interface WorkerProtocol {
  /** Does one job to its end; resolves when what came of it is durable. */
  run(job: ClaimedJob): Promise<JobOutcome>;
}

export interface WorkerArgs {
  readonly run: JobRun;
  /** Aborted when workers are to give their jobs back. */
  readonly giveBack: AbortSignal;
}

/** One pair of hands of a pool. */
export const workerActor: ActorDefinition<WorkerProtocol, WorkerArgs> = {
  kind: 'worker',
  lifecycleLevel: 'debug',
  create(context, { run, giveBack }) {
    const stop = AbortSignal.any([context.signal, giveBack]);
    return { handlers: { run: (job) => runJob(job, { ...run, log: context.log }, stop) } };
  },
};
