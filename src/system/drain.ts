import type { IngestionProtocol } from '../actors/ingestion.ts';
import type { ActorRef } from '../actors/kit/actor.ts';
import type { ActorSystem } from '../actors/kit/system.ts';
import type { WorkerPoolProtocol } from '../actors/worker-pool.ts';
import type { Ingress } from './ingress.ts';
import type { RunningBot } from './running-bot.ts';
import type { JobRuns } from './job-runs.ts';
import type { LinkServer } from './links/link-server.ts';
import type { Settlements } from './settlements.ts';
import type { Step } from './steps.ts';

/** What a backend has running. */
export interface Running {
  readonly server: LinkServer;
  readonly ingress: Pick<Ingress, 'closeOutbox'>;
  readonly workers: ActorRef<WorkerPoolProtocol>;
  readonly settlements: Pick<Settlements, 'settled'>;
  readonly ingestion: ActorRef<IngestionProtocol>;
  readonly bots: ReadonlyMap<string, RunningBot>;
  readonly system: Pick<ActorSystem, 'stop'>;
  readonly jobRuns: Pick<JobRuns, 'close'>;
  /** Of each actor that is asked. */
  readonly deadlineMs: number;
}

/** What ends a backend, in this order: whoever takes from another is asked after it. */
export const drainSteps = ({
  server,
  ingress,
  workers,
  settlements,
  ingestion,
  bots,
  system,
  jobRuns,
  deadlineMs,
}: Running): readonly Step[] => [
  { name: 'answer the frames in hand', run: () => server.drain().finally(() => ingress.closeOutbox()) },
  { name: 'finish or give back jobs', run: () => workers.ask('drain', undefined, { deadlineMs }) },
  { name: 'settle what is completed', run: () => settlements.settled() },
  { name: 'ingest what is ready', run: () => ingestion.ask('drain', undefined, { deadlineMs }) },
  {
    name: 'hold jobs',
    run: () =>
      Promise.all(Array.from(bots.values(), ({ ref }) => ref.ask('retire', undefined, { deadlineMs }))),
  },
  { name: 'close the links', run: () => server.close() },
  { name: 'stop the actors', run: () => system.stop() },
  { name: 'end the processors', run: () => jobRuns.close() },
];
