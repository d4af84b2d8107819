import { DragomanError } from '../base/errors.ts';
import {
  bareMimeType,
  corruptMimeType,
  isCorruptMimeType,
  isMimeType,
  MEDIA_KINDS,
} from '../queue/media-kind.ts';

/** Workers with one processor and the MIME types they take. */
export interface PoolConfig {
  readonly name: string;
  /** Compared without parameters, in lower case. Empty: the catch-all, for every type that no other pool takes. */
  readonly mimeTypes: readonly string[];
  /** Jobs at a time, at least 1. */
  readonly workers: number;
  /** Deadline of one attempt, in milliseconds, at least 1. */
  readonly timeoutMs: number;
  /** A built-in processor's name, or the path of a module that exports `createProcessor`. */
  readonly processor: string;
  /** Handed to the processor as they are; it checks them. */
  readonly processorOptions?: Readonly<Record<string, unknown>>;
  /** What each process of a module may take, in MiB, at least 1. */
  readonly maxMemoryMb?: number;
}

export const DEFAULT_MAX_MEMORY_MB = 1_024;

const OFFICE_TYPES = [
  'application/msword',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  'application/vnd.ms-excel',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  'application/vnd.ms-powerpoint',
  'application/vnd.openxmlformats-officedocument.presentationml.presentation',
  'application/vnd.oasis.opendocument.text',
  'application/vnd.oasis.opendocument.spreadsheet',
  'application/vnd.oasis.opendocument.presentation',
  'application/rtf',
  'text/rtf',
  'text/csv',
];

export const DEFAULT_POOLS: readonly PoolConfig[] = [
  {
    name: 'audio',
    mimeTypes: ['audio/ogg', 'audio/mpeg', 'audio/mp4', 'audio/aac', 'audio/amr'],
    workers: 2,
    timeoutMs: 300_000,
    processor: 'audio',
  },
  {
    name: 'video',
    mimeTypes: ['video/mp4', 'video/webm', 'video/3gpp', 'video/quicktime'],
    workers: 1,
    timeoutMs: 600_000,
    processor: 'video',
  },
  {
    name: 'image',
    mimeTypes: ['image/jpeg', 'image/png', 'image/gif', 'image/heic'],
    workers: 3,
    timeoutMs: 120_000,
    processor: 'image',
  },
  {
    name: 'document',
    mimeTypes: ['application/pdf', 'text/plain', ...OFFICE_TYPES],
    workers: 2,
    timeoutMs: 120_000,
    processor: 'document',
  },
  { name: 'sticker', mimeTypes: ['image/webp'], workers: 2, timeoutMs: 60_000, processor: 'sticker' },
  {
    name: 'corrupt',
    mimeTypes: MEDIA_KINDS.map(corruptMimeType),
    workers: 1,
    timeoutMs: 10_000,
    processor: 'corrupt',
  },
  { name: 'unsupported', mimeTypes: [], workers: 1, timeoutMs: 10_000, processor: 'unsupported' },
];

/** It is in logs, metrics, addresses and the names of actors. */
const POOL_NAME = /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}/]{1,64}$/u;

/** Everything that is wrong with a set of pools, one sentence each; none when it can be routed to. */
export function poolProblems(pools: readonly PoolConfig[]): readonly string[] {
  const catchAlls = pools.filter(isCatchAll);
  const problems =
    catchAlls.length === 1
      ? []
      : [`expected exactly one catch-all pool (no MIME types), got ${catchAlls.length}`];
  const names = new Set<string>();
  const poolOfType = new Map<string, string>();
  for (const { name, mimeTypes, workers, timeoutMs, maxMemoryMb = DEFAULT_MAX_MEMORY_MB } of pools) {
    if (name.trim() === '') problems.push('expected every pool to have a name, got an empty one');
    else if (!POOL_NAME.test(name)) {
      problems.push(
        `expected pool names of at most 64 characters, without "/" and control characters, got ${JSON.stringify(name)}`,
      );
    }
    if (names.has(name)) problems.push(`expected unique pool names, got "${name}" twice`);
    names.add(name);
    if (!isCount(workers)) problems.push(`pool "${name}": expected workers of at least 1, got ${workers}`);
    if (!isCount(timeoutMs)) {
      problems.push(`pool "${name}": expected a timeoutMs of at least 1, got ${timeoutMs}`);
    }
    if (!isCount(maxMemoryMb)) {
      problems.push(`pool "${name}": expected a maxMemoryMb of at least 1, got ${maxMemoryMb}`);
    }
    for (const type of mimeTypes.map(bareMimeType)) {
      const other = poolOfType.get(type);
      if (!isMimeType(type) && !isCorruptMimeType(type)) {
        problems.push(`pool "${name}": expected MIME types such as image/png, one by one, got "${type}"`);
      } else if (other !== undefined)
        problems.push(`"${type}" is listed twice: by "${other}" and by "${name}"`);
      poolOfType.set(type, name);
    }
  }
  return problems;
}

/** The one pool that takes media of this MIME type. */
export type RouteToPool = (mimeType: string) => PoolConfig;

/** Throws `config_invalid`, naming every problem, when the pools leave a type without its one pool. */
export function poolRouter(pools: readonly PoolConfig[]): RouteToPool {
  const problems = poolProblems(pools);
  const catchAll = pools.find(isCatchAll);
  if (problems.length > 0 || catchAll === undefined) {
    throw new DragomanError('config_invalid', `pools: ${problems.join('; ')}`);
  }
  const poolOfType = new Map(
    pools.flatMap((pool) => pool.mimeTypes.map((type) => [bareMimeType(type), pool] as const)),
  );
  return (mimeType) => poolOfType.get(bareMimeType(mimeType)) ?? catchAll;
}

const isCatchAll = (pool: PoolConfig): boolean => pool.mimeTypes.length === 0;
const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 1;
