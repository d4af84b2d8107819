import type { Clock } from '../base/clock.ts';
import { DragomanError, describeError } from '../base/errors.ts';
import type { PoolConfig } from '../jobs/pools.ts';
import { MEDIA_KINDS, type MediaKind } from '../queue/media-kind.ts';
import type { BaseMediaProcessor } from './base-media-processor.ts';
import { CorruptProcessor } from './corrupt-processor.ts';
import { loadModuleProcessor } from './module-processor.ts';
import { StubProcessor } from './stub-processor.ts';
import { UnsupportedProcessor } from './unsupported-processor.ts';

export interface ProcessorEnvironment {
  readonly clock: Clock;
  /** The folder that relative module paths start from. */
  readonly baseFolder: string;
}

type Factory = (clock: Clock, options: Readonly<Record<string, unknown>>) => BaseMediaProcessor;

const stub =
  (kind: MediaKind): Factory =>
  (clock, options) =>
    new StubProcessor(kind, clock, options);

const BUILT_IN: ReadonlyMap<string, Factory> = new Map<string, Factory>([
  ...MEDIA_KINDS.map((kind) => [kind, stub(kind)] as const),
  ['corrupt', () => new CorruptProcessor()],
  ['unsupported', () => new UnsupportedProcessor()],
]);

const LOOKS_LIKE_A_PATH = /[\\/]|\.[cm]?[jt]s$/;

/** Makes the processor that a pool names. Throws `config_invalid`, naming the pool, when there is none such. */
export async function createPoolProcessor(
  pool: PoolConfig,
  { clock, baseFolder }: ProcessorEnvironment,
): Promise<BaseMediaProcessor> {
  const options = pool.processorOptions ?? {};
  try {
    const builtIn = BUILT_IN.get(pool.processor);
    if (builtIn !== undefined) return builtIn(clock, options);
    if (LOOKS_LIKE_A_PATH.test(pool.processor)) {
      return await loadModuleProcessor(pool.processor, baseFolder, { options });
    }
  } catch (error) {
    throw invalid(pool, describeError(error), error);
  }
  const names = [...BUILT_IN.keys()].join(', ');
  throw invalid(pool, `expected one of ${names}, or the path of a module, got "${pool.processor}"`);
}

const invalid = (pool: PoolConfig, problem: string, cause?: unknown): DragomanError =>
  new DragomanError('config_invalid', `pool "${pool.name}": processor: ${problem}`, { cause });
