import type { Clock } from '../base/clock.ts';
import { DragomanError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { PoolConfig } from '../jobs/pools.ts';
import { DEFAULT_RETRY } from '../jobs/retry.ts';
import { createPoolProcessor } from '../processors/registry.ts';
import { DEFAULT_JOB_TIMES, type JobRun } from '../processors/run-job.ts';
import type { StagingFolder } from '../staging/staging-folder.ts';
import type { Store } from '../store/store.ts';
import type { Config } from './config.ts';

/** A lease outlives two heartbeats that are lost. */
const HEARTBEATS_PER_LEASE = 3;

export interface JobRunsOptions {
  readonly config: Config;
  readonly store: Store;
  readonly staging: StagingFolder;
  readonly clock: Clock;
  readonly log: Logger;
}

/** How each pool's workers do a job. Rejects with `config_invalid` when a processor cannot be made. */
export async function jobRuns({
  config,
  store,
  staging,
  clock,
  log,
}: JobRunsOptions): Promise<(pool: PoolConfig) => JobRun> {
  const { leaseMs, maxAttempts, baseFolder } = config;
  const heartbeatMs = Math.floor(leaseMs / HEARTBEATS_PER_LEASE);
  const runs = new Map<string, JobRun>();
  for (const pool of config.pools) {
    runs.set(pool.name, {
      processor: await createPoolProcessor(pool, { clock, baseFolder }),
      ledger: store,
      files: staging,
      clock,
      log,
      random: Math.random,
      times: { ...DEFAULT_JOB_TIMES, timeoutMs: pool.timeoutMs, leaseMs, heartbeatMs },
      retry: { ...DEFAULT_RETRY, maxAttempts },
    });
  }
  return ({ name }) => {
    const run = runs.get(name);
    if (run === undefined) throw new DragomanError('not_found', `no pool is called ${name}`);
    return run;
  };
}
