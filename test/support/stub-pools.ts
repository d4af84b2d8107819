import { DEFAULT_POOLS, type PoolConfig } from '../../src/jobs/pools.ts';

/** The default pools; a stub that works on media takes so long for each. */
export const stubPools = (delayMs: number): readonly PoolConfig[] =>
  DEFAULT_POOLS.map((pool) =>
    ['corrupt', 'unsupported'].includes(pool.processor) ? pool : { ...pool, processorOptions: { delayMs } },
  );
