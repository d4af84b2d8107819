import type { PoolLoad } from '../../actors/worker-pool.ts';
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
  readonly load: () => Promise<readonly PoolLoad[]>;
  readonly staging: Pick<StagingFolders, 'list'>;
  readonly clock: Clock;
}

export function administerPools({ store, pools, load, staging, clock }: PoolsOptions): PoolsAdministration {
  const names = pools.map(({ name }) => name);
  return {
    async list() {
      const [counts, loads] = await Promise.all([store.countJobs(), load()]);
      const backlogs = poolBacklogs(names, counts, clock.now());
      return pools.flatMap((pool, index) => {
        const backlog = backlogs[index];
        return backlog === undefined ? [] : [poolViewOf(pool, backlog, counts, busyOf(pool.name, loads))];
      });
    },
    load,
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

const busyOf = (name: string, loads: readonly PoolLoad[]): number =>
  loads.find(({ pool }) => pool === name)?.busy ?? 0;

function poolViewOf(
  pool: PoolConfig,
  backlog: PoolBacklog,
  counts: readonly JobCount[],
  busy: number,
): PoolView {
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
    busy,
    timeoutMs,
    pending,
    waiting,
    inProgress,
    held,
    failed,
    oldestPendingMs,
  };
}
