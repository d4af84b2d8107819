import { resolve } from 'node:path';
import { z } from 'zod';
import type { Clock } from '../base/clock.ts';
import { DragomanError, describeError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { DEFAULT_MAX_MEMORY_MB, type PoolConfig } from '../jobs/pools.ts';
import { MEDIA_KINDS, type MediaKind } from '../queue/media-kind.ts';
import type { BaseMediaProcessor } from './base-media-processor.ts';
import { CorruptProcessor } from './corrupt-processor.ts';
import { IsolatedProcessor } from './isolated/isolated-processor.ts';
import { StubProcessor } from './stub-processor.ts';
import { UnsupportedProcessor } from './unsupported-processor.ts';

export interface ProcessorEnvironment {
  readonly clock: Clock;
  readonly log: Logger;
  /** The folder that relative module paths start from. */
  readonly baseFolder: string;
  /** Ends the waiting for a module that loads. */
  readonly signal?: AbortSignal | undefined;
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

/**
 * Makes the processor that a pool names: built-in ones in this process, modules in processes of their own. Throws `config_invalid`, naming the
 * pool, when there is none such, and the signal's reason when that aborts. The processor is the caller's to close.
 */
export async function createPoolProcessor(
  pool: PoolConfig,
  { clock, log, baseFolder, signal }: ProcessorEnvironment,
): Promise<BaseMediaProcessor> {
  const options = pool.processorOptions ?? {};
  try {
    const builtIn = BUILT_IN.get(pool.processor);
    if (builtIn !== undefined) return builtIn(clock, options);
    if (LOOKS_LIKE_A_PATH.test(pool.processor)) {
      const file = resolve(baseFolder, pool.processor);
      const maxMemoryMb = pool.maxMemoryMb ?? DEFAULT_MAX_MEMORY_MB;
      const { workers } = pool;
      const module = { file, options, maxMemoryMb };
      return await IsolatedProcessor.start({ module, workers, clock, log }, signal);
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw invalid(pool, inWords(error), error);
  }
  const names = [...BUILT_IN.keys()].join(', ');
  throw invalid(pool, `expected one of ${names}, or the path of a module, got "${pool.processor}"`);
}

/** On one line, of options that a processor does not know too. */
function inWords(error: unknown): string {
  if (!(error instanceof z.ZodError)) return describeError(error);
  const problems = error.issues.map(({ path, message }) => [...path, message].join(': '));
  return `processorOptions: ${problems.join('; ')}`;
}

const invalid = (pool: PoolConfig, problem: string, cause?: unknown): DragomanError =>
  new DragomanError('config_invalid', `pool "${pool.name}": processor: ${problem}`, { cause });
