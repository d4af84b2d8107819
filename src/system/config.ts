import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { describeError, DragomanError } from '../base/errors.ts';
import { isBotId } from '../base/ids.ts';
import { gatewaySettings } from '../gateway/settings.ts';
import { DEFAULT_POOLS, poolProblems } from '../jobs/pools.ts';
import { DEFAULT_LIMITS, DEFAULT_STRICT_HOLD_MS } from '../queue/limits.ts';

const atLeastOne = z.number().int().min(1);
const milliseconds = z.number().int().min(0);
const gatewayId = z.string().min(1).max(64);
/** Long enough that guessing is hopeless. */
const token = z.string().min(16);

const limits = z.strictObject({
  maxMessages: atLeastOne.default(DEFAULT_LIMITS.maxMessages),
  maxCharacters: atLeastOne.default(DEFAULT_LIMITS.maxCharacters),
  maxDays: z.number().min(1).default(DEFAULT_LIMITS.maxDays),
  maxCharactersSingleMessage: atLeastOne.default(DEFAULT_LIMITS.maxCharactersSingleMessage),
  maxCharactersMediaResult: atLeastOne.default(DEFAULT_LIMITS.maxCharactersMediaResult),
  maxPlaceholders: z.number().int().min(0).default(DEFAULT_LIMITS.maxPlaceholders),
});

const bot = z.strictObject({
  id: z.string().refine(isBotId, 'expected lower-case letters, digits and dashes, 64 at most'),
  /** The gateway that pairs it. */
  gateway: gatewayId.default('local'),
  limits: limits.prefault({}),
  ordering: z.enum(['skip-pop', 'strict']).default('skip-pop'),
  strictHoldMs: milliseconds.default(DEFAULT_STRICT_HOLD_MS),
  /** Of the gateway's staging folder, in GiB; fractions allowed. */
  mediaStorageQuotaGb: z.number().positive().default(25),
  groups: z.enum(['all', 'none']).default('all'),
});

const pool = z.strictObject({
  name: z.string().min(1),
  /** Empty for the one catch-all. */
  mimeTypes: z.array(z.string()),
  workers: atLeastOne,
  timeoutMs: atLeastOne,
  /** A built-in processor's name, or the path of a module, relative to the configuration file. */
  processor: z.string().min(1),
  processorOptions: z.record(z.string(), z.unknown()).default({}),
});

const configuration = z
  .strictObject({
    /** Where everything durable lies, relative to the configuration file. */
    dataFolder: z.string().min(1).default('data'),
    /** `sqlite:` and a path; by default dragoman.db in the data folder. */
    store: z
      .string()
      .regex(/^sqlite:.+/, 'expected sqlite:PATH')
      .optional(),
    listen: z
      .strictObject({
        host: z.string().min(1).default('127.0.0.1'),
        port: z.number().int().min(0).max(65_535).default(7_310),
      })
      .prefault({}),
    bots: z
      .array(bot)
      .min(1)
      .default(() => [bot.parse({ id: 'main' })]),
    /** Of the gateway in this process. */
    gateway: gatewaySettings.prefault({}),
    /** Gateways in other processes, each with a token of its own. */
    gateways: z.array(z.strictObject({ id: gatewayId, token })).default([]),
    pools: z.array(pool).default(() => DEFAULT_POOLS.map((each) => pool.parse(each))),
    /** A simulator to talk to instead of WhatsApp, as `npm run simulate` prints it. */
    simulator: z.url({ protocol: /^http$/ }).optional(),
    disconnectGraceMs: milliseconds.default(30_000),
    passivateAfterMs: milliseconds.default(60_000),
    drainDeadlineMs: milliseconds.default(20_000),
    maxAttempts: atLeastOne.default(3),
    leaseMs: atLeastOne.default(30_000),
    log: z
      .strictObject({
        level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
        /** How often the actor tree is logged; 0 never. SIGUSR2 logs it at any time. */
        treeEveryMs: milliseconds.default(300_000),
      })
      .prefault({}),
  })
  .superRefine((config, context) => {
    for (const problem of poolProblems(config.pools)) {
      context.addIssue({ code: 'custom', path: ['pools'], message: problem });
    }
    const ids = config.bots.map(({ id }) => id);
    for (const id of new Set(ids.filter((each, index) => ids.indexOf(each) !== index))) {
      context.addIssue({ code: 'custom', path: ['bots'], message: `bot ${id} is there twice` });
    }
    const known = new Set(['local', ...config.gateways.map(({ id }) => id)]);
    for (const { id, gateway } of config.bots) {
      if (known.has(gateway)) continue;
      context.addIssue({
        code: 'custom',
        path: ['bots'],
        message: `bot ${id} names the unknown gateway ${gateway}`,
      });
    }
  });

export type Config = z.infer<typeof configuration> & {
  /** The configuration file's folder: relative paths start there. */
  readonly baseFolder: string;
};
export type BotSettings = Config['bots'][number];

/** Where settings come from, strongest last: file, environment, flags. */
export interface ConfigSources {
  readonly file?: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly flags: ConfigOverrides;
}

export interface ConfigOverrides {
  readonly dataFolder?: string | undefined;
  readonly port?: number | undefined;
  readonly simulator?: string | undefined;
  readonly logLevel?: string | undefined;
}

/**
 * Reads and checks the whole configuration. Paths come out absolute. Rejects with `config_invalid` and every problem
 * with its path.
 */
export function loadConfig(sources: ConfigSources): Config {
  const file = sources.file ?? sources.environment['DRAGOMAN_CONFIG'];
  const merged = withOverrides(file === undefined ? {} : readConfigFile(file), [
    fromEnvironment(sources.environment),
    sources.flags,
  ]);
  return parseConfig(merged, file);
}

/** Checks settings, fills in defaults and makes paths absolute. `file`: where they came from. */
export function parseConfig(settings: unknown, file?: string): Config {
  const result = configuration.safeParse(settings);
  if (!result.success) throw new DragomanError('config_invalid', describeProblems(result.error, file));
  const base = file === undefined ? process.cwd() : path.dirname(path.resolve(file));
  return { ...result.data, dataFolder: path.resolve(base, result.data.dataFolder), baseFolder: base };
}

/** The SQLite file that a configuration names. */
export const storeFile = (config: Config): string =>
  config.store === undefined
    ? path.join(config.dataFolder, 'dragoman.db')
    : path.resolve(config.dataFolder, config.store.replace(/^sqlite:(\/\/)?/, ''));

function readConfigFile(file: string): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new DragomanError(
      'config_invalid',
      `cannot read the configuration ${file}: ${describeError(error)}`,
      { cause: error },
    );
  }
  let value: unknown;
  try {
    value = parseYaml(text);
  } catch (error) {
    const [firstLine] = describeError(error).split('\n');
    throw new DragomanError('config_invalid', `${file} is not valid YAML: ${firstLine}`, { cause: error });
  }
  const settings = z.record(z.string(), z.unknown()).safeParse(value ?? {});
  if (!settings.success) throw new DragomanError('config_invalid', `${file}: expected settings by name`);
  return settings.data;
}

function fromEnvironment(environment: ConfigSources['environment']): ConfigOverrides {
  const port = environment['DRAGOMAN_PORT'];
  return {
    dataFolder: environment['DRAGOMAN_DATA'],
    port: port === undefined ? undefined : Number(port),
    simulator: environment['DRAGOMAN_SIMULATOR'],
    logLevel: environment['DRAGOMAN_LOG'],
  };
}

function withOverrides(
  settings: Record<string, unknown>,
  overrides: readonly ConfigOverrides[],
): Record<string, unknown> {
  const merged = { ...settings };
  for (const { dataFolder, port, simulator, logLevel } of overrides) {
    if (dataFolder !== undefined) merged['dataFolder'] = path.resolve(dataFolder);
    if (simulator !== undefined) merged['simulator'] = simulator;
    if (port !== undefined) merged['listen'] = withField(merged['listen'], 'port', port);
    if (logLevel !== undefined) merged['log'] = withField(merged['log'], 'level', logLevel);
  }
  return merged;
}

const withField = (section: unknown, field: string, value: unknown): unknown =>
  typeof section === 'object' || section === undefined ? { ...section, [field]: value } : section;

function describeProblems(error: z.ZodError, file: string | undefined): string {
  const problems = error.issues.map(
    ({ path: where, message }) => `${where.join('.') || 'top level'}: ${message}`,
  );
  return `change the configuration${file === undefined ? '' : ` ${file}`}: ${problems.join('; ')}`;
}
