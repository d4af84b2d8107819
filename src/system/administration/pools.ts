import type { Clock } from '../../base/clock.ts';
import type { PoolConfig } from '../../jobs/pools.ts';
import type { StagingFolders } from '../../staging/staging-folders.ts';
import type { JobCount, Store } from '../../store/store.ts';
import type { PoolsAdministration } from '../administration.ts';
import { type PoolBacklog, poolBacklogs } from '../backlog-log.ts';
import type { PoolView } from './views.ts';

export interface PoolsOptions {
  readonly store: Pick<Store, 'countJobs'>;
  readonly pools: readonly PoolConfig[];
  readonly staging: Pick<StagingFolders, 'list'>;
  readonly clock: Clock;
}

export function administerPools({ store, pools, staging, clock }: PoolsOptions): PoolsAdministration {
  const names = pools.map(({ name }) => name);
  return {
    async list() {
      const counts = await store.countJobs();
      const backlogs = poolBacklogs(names, counts, clock.now());
      return pools.flatMap((pool, index) => {
        const backlog = backlogs[index];
        return backlog === undefined ? [] : [poolViewOf(pool, backlog, counts)];
      });
    },
    async staging() {
      const files = await staging.list();
      return {
        files: files.length,
        bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
        partial: files.filter(({ partial }) => partial).length,
      };
    },
  };
}

function poolViewOf(pool: PoolConfig, backlog: PoolBacklog, counts: readonly JobCount[]): PoolView {
  const { name, mimeTypes, processor, workers, timeoutMs } = pool;
  const { pending, waiting, inProgress, held, oldestPendingMs } = backlog;
  const failed = counts
    .filter((each) => each.pool === name && each.collection === 'failed')
    .reduce((sum, { count }) => sum + count, 0);
  return {
    name,
    mimeTypes: [...mimeTypes],
    processor,
    workers,
    timeoutMs,
    pending,
    waiting,
    inProgress,
    held,
    failed,
    oldestPendingMs,
  };
}
