import type { PoolView } from '../system/administration/views.ts';
import type { ConfigSources } from '../system/config.ts';
import { EXIT } from './exit-codes.ts';
import { duration, table } from './table.ts';
import { withBackend } from './with-administration.ts';

/** `dragoman pools`: worker pools, what waits for them, and the staging folder. Resolves to the exit code. */
export const showPools = (sources: ConfigSources, asJson: boolean): Promise<number> =>
  withBackend(sources, async ({ pools }) => {
    const [list, staging] = await Promise.all([pools.list(), pools.staging()]);
    if (asJson) console.log(JSON.stringify({ pools: list, staging }));
    else {
      const headings = ['POOL', 'BUSY', 'PENDING', 'WAITING', 'HELD', 'FAILED', 'OLDEST'];
      console.log(table(headings, list.map(rowOf)));
      console.log(`Staging folder: ${staging.files} files, ${(staging.bytes / 2 ** 20).toFixed(1)} MiB`);
    }
    return EXIT.ok;
  });

const rowOf = ({ name, busy, workers, pending, waiting, held, failed, oldestPendingMs }: PoolView) => [
  name,
  `${busy}/${workers}`,
  ...[pending, waiting, held, failed].map(String),
  oldestPendingMs === null ? '-' : duration(oldestPendingMs),
];
