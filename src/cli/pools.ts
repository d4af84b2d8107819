import type { PoolView } from '../system/administration/views.ts';
import type { ConfigSources } from '../system/config.ts';
import { EXIT } from './exit-codes.ts';
import { duration, size, table } from './table.ts';
import { withBackend } from './with-administration.ts';

/** `dragoman pools`: worker pools, what waits for them, and the staging folder. Resolves to the exit code. */
export const showPools = (sources: ConfigSources, asJson: boolean): Promise<number> =>
  withBackend(sources, async ({ pools }) => {
    const [list, staging] = await Promise.all([pools.list(), pools.staging()]);
    if (asJson) console.log(JSON.stringify({ pools: list, staging }));
    else {
      console.log(table(HEADINGS, list.map(rowOf)));
      console.log(`Staging folder: ${staging.files} files, ${size(staging.bytes)}`);
    }
    return EXIT.ok;
  });

const HEADINGS = [
  'POOL',
  'BUSY',
  'PENDING',
  'OLDEST',
  'IN PROGRESS',
  'PER MINUTE',
  'WAITING',
  'HELD',
  'FAILED',
];

const rowOf = (pool: PoolView): readonly string[] => [
  pool.name,
  `${pool.busy}/${pool.workers}`,
  String(pool.pending),
  pool.oldestPendingMs === null ? '-' : duration(pool.oldestPendingMs),
  ...[pool.inProgress, pool.donePerMinute, pool.waiting, pool.held, pool.failed].map(String),
];
