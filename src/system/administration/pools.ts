import type { PoolLoad } from '../../actors/worker-pool.ts';
import type { Clock } from '../../base/clock.ts';
import { GIB } from '../../base/units.ts';
import type { PoolConfig } from '../../jobs/pools.ts';
import { quotaLimitBytes } from '../../staging/quota.ts';
import type { StagingFolders } from '../../staging/staging-folders.ts';
import type { JobCount, JobStore } from '../../store/job-store.ts';
import type { PoolsAdministration } from '../administration.ts';
import { type PoolBacklog, poolBacklogs } from '../backlog-log.ts';
import type { BotSettings } from '../config/bot-settings.ts';
import type { Served } from './served.ts';
import type { PoolView } from './views.ts';

export interface PoolsOptions {
  readonly store: Pick<JobStore, 'countJobs'>;
  readonly pools: readonly PoolConfig[];
  readonly load: () => Promise<readonly PoolLoad[]>;
  readonly staging: Pick<StagingFolders, 'list'>;
  readonly served: Served;
  readonly bots: readonly Pick<BotSettings, 'gateway' | 'mediaStorageQuotaGb'>[];
  readonly clock: Clock;
}

export function administerPools({
  store,
  pools,
  load,
  staging,
  served,
  bots,
  clock,
}: PoolsOptions): PoolsAdministration {
  const limitBytes = stagingLimitBytes(bots);
  const names = pools.map(({ name }) => name);
  return {
    async list() {
      const [counts, loads] = await Promise.all([store.countJobs(), load()]);
      const now = clock.now();
      const backlogs = poolBacklogs(names, counts, now);
      return pools.flatMap((pool, index) => {
        const backlog = backlogs[index];
        if (backlog === undefined) return [];
        const view = poolViewOf(pool, backlog, counts, busyOf(pool.name, loads));
        return [
          {
            ...view,
            donePerMinute: Number(served.perMinute(pool.name, now).toFixed(1)),
            shares: [...served.sharesOf(pool.name, now)],
          },
        ];
      });
    },
    load,
    async staging() {
      const files = await staging.list();
      return {
        files: files.length,
        bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
        partial: files.filter(({ partial }) => partial).length,
        limitBytes,
      };
    },
  };
}

/** A gateway holds itself to the smallest quota of its bots. */
function stagingLimitBytes(bots: PoolsOptions['bots']): number {
  const ofGateways = [...Map.groupBy(bots, ({ gateway }) => gateway).values()];
  const quotasGb = ofGateways.map((its) =>
    Math.min(...its.map(({ mediaStorageQuotaGb }) => mediaStorageQuotaGb)),
  );
  return quotasGb.reduce((sum, quotaGb) => sum + Math.floor(quotaLimitBytes(quotaGb * GIB)), 0);
}

const busyOf = (name: string, loads: readonly PoolLoad[]): number =>
  loads.find(({ pool }) => pool === name)?.busy ?? 0;

function poolViewOf(
  pool: PoolConfig,
  backlog: PoolBacklog,
  counts: readonly JobCount[],
  busy: number,
): Omit<PoolView, 'donePerMinute' | 'shares'> {
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
