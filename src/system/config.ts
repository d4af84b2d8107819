import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { describeError, DragomanError } from '../base/errors.ts';
import { isBotId } from '../base/ids.ts';
import { DEFAULT_POOLS, type PoolConfig, poolProblems } from '../jobs/pools.ts';
import { DEFAULT_LIMITS, DEFAULT_STRICT_HOLD_MS } from '../queue/limits.ts';
