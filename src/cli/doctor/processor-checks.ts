import { systemClock } from '../../base/clock.ts';
import { describeError } from '../../base/errors.ts';
import { silentLogger } from '../../base/log.ts';
import { DAY_MS } from '../../base/units.ts';
import type { PoolConfig } from '../../jobs/pools.ts';
import { IsolatedProcessor } from '../../processors/isolated/isolated-processor.ts';
import { createPoolProcessor } from '../../processors/registry.ts';
import type { Config } from '../../system/config.ts';
import { failing, type Finding, ok, warning } from './check.ts';

/** Whether what turns media into words can be used: modules are loaded as at a start, in processes of their own. */
export async function checkProcessors(config: Config): Promise<readonly Finding[]> {
  // Processors keep no process alive, and this one has nothing else to wait for.
  const alive = setInterval(() => {}, DAY_MS);
  try {
    const found = await Promise.all(config.pools.map((pool) => checkProcessor(pool, config)));
    return found.filter((finding) => finding !== null);
  } finally {
    clearInterval(alive);
  }
}

/** Null for what is built in. */
async function checkProcessor(
  pool: PoolConfig,
  { baseFolder, processedBy }: Config,
): Promise<Finding | null> {
  const check = `processor of pool ${pool.name}`;
  try {
    const processor = await createPoolProcessor(pool, {
      clock: systemClock(),
      log: silentLogger,
      baseFolder,
    });
    await processor.close();
    return processor instanceof IsolatedProcessor ? ok(check, `${pool.processor} can be loaded`) : null;
  } catch (error) {
    // Where workers alone process, the backend's machine need not have what they need.
    const finding = processedBy === 'workers' ? warning : failing;
    return finding(check, describeError(error), 'correct it: see docs/processors.md');
  }
}
