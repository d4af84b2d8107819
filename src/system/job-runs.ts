import type { Clock } from '../base/clock.ts';
import { DragomanError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { PoolConfig } from '../jobs/pools.ts';
import { DEFAULT_RETRY } from '../jobs/retry.ts';
import { createPoolProcessor } from '../processors/registry.ts';
import type { JobLedger } from '../processors/job-ledger.ts';
import { DEFAULT_JOB_TIMES, type JobRun } from '../processors/run-job.ts';
import type { StagingFolders } from '../staging/staging-folders.ts';
import type { Config } from './config.ts';

/** A lease outlives two heartbeats that are lost. */
const HEARTBEATS_PER_LEASE = 3;

export interface JobRunsOptions {
  readonly config: Config;
  /** Those that are worked for. */
  readonly pools: readonly PoolConfig[];
  readonly staging: Pick<StagingFolders, 'of'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Ends the waiting for processors that load. */
  readonly signal?: AbortSignal | undefined;
}

/** How each pool's workers do a job. */
export interface JobRuns {
  readonly runOf: (pool: PoolConfig, ledger: JobLedger) => JobRun;
  /** Ends what the processors keep running. */
  close(): Promise<void>;
}

/** Makes the processors of the pools. Rejects, with nothing left running, as `createPoolProcessor` does. */
export async function prepareJobRuns({
  config,
  pools,
  staging,
  clock,
  log,
  signal,
}: JobRunsOptions): Promise<JobRuns> {
  const { leaseMs, maxAttempts, baseFolder } = config;
  const heartbeatMs = Math.floor(leaseMs / HEARTBEATS_PER_LEASE);
  const runs = new Map<string, Omit<JobRun, 'ledger'>>();
  const close = async (): Promise<void> => {
    await Promise.all(Array.from(runs.values(), ({ processor }) => processor.close()));
  };
  try {
    for (const pool of pools) {
      runs.set(pool.name, {
        processor: await createPoolProcessor(pool, { clock, log, baseFolder, signal }),
        filesOf: (gatewayId) => staging.of(gatewayId),
        clock,
        log,
        random: Math.random,
        times: { ...DEFAULT_JOB_TIMES, timeoutMs: pool.timeoutMs, leaseMs, heartbeatMs },
        retry: { ...DEFAULT_RETRY, maxAttempts },
      });
    }
  } catch (error) {
    await close();
    throw error;
  }
  return {
    close,
    runOf({ name }, ledger) {
      const run = runs.get(name);
      if (run === undefined) throw new DragomanError('not_found', `no pool is called ${name}`);
      return { ...run, ledger };
    },
  };
}
