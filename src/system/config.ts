import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { describeError, DragomanError } from '../base/errors.ts';
import { type Configuration, configuration } from './config-schema.ts';

export type Config = Configuration & {
  /** The configuration file's folder, or the working directory: relative paths start there. */
  readonly baseFolder: string;
};

/** Where settings come from, strongest last: file, environment, flags. */
export interface ConfigSources {
  readonly file?: string | undefined;
  /** `DRAGOMAN_CONFIG`, `_DATA`, `_PORT`, `_SIMULATOR` and `_LOG`. One that is set to nothing counts as not set. */
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
 * Reads and checks the whole configuration. Paths come out absolute.
 * @throws `config_invalid`: one line that names every problem and where it is.
 */
export function loadConfig({ file: named, environment, flags }: ConfigSources): Config {
  const variable = (name: string): string | undefined => environment[`DRAGOMAN_${name}`] || undefined;
  const file = named ?? variable('CONFIG');
  const settings = file === undefined ? {} : readConfigFile(file);
  const port = variable('PORT');
  override(settings, {
    dataFolder: variable('DATA'),
    port: port === undefined ? undefined : Number(port),
    simulator: variable('SIMULATOR'),
    logLevel: variable('LOG'),
  });
  override(settings, flags);
  return parseConfig(settings, file);
}

/**
 * Checks settings, fills in defaults, makes paths absolute. `file`: where they came from.
 * @throws as `loadConfig`.
 */
export function parseConfig(settings: unknown, file?: string): Config {
  const result = configuration.safeParse(settings);
  if (!result.success) {
    throw new DragomanError(
      'config_invalid',
      `${file ?? 'configuration'}: ${describeProblems(result.error)}`,
    );
  }
  const baseFolder = file === undefined ? process.cwd() : path.dirname(path.resolve(file));
  return { ...result.data, dataFolder: path.resolve(baseFolder, result.data.dataFolder), baseFolder };
}

export type StoreLocation =
  { readonly kind: 'sqlite'; readonly file: string } | { readonly kind: 'mongodb'; readonly url: string };

/** Where a configuration keeps what is durable. A relative SQLite file is in the data folder. */
export function storeLocation({ store, dataFolder }: Config): StoreLocation {
  if (store?.startsWith('mongodb') === true) return { kind: 'mongodb', url: store };
  const file = store?.replace(/^sqlite:(\/\/)?/, '') ?? 'dragoman.db';
  return { kind: 'sqlite', file: path.resolve(dataFolder, file) };
}

type Settings = Record<string, unknown>;

function readConfigFile(file: string): Settings {
  const fail = (problem: string, cause?: unknown): DragomanError =>
    new DragomanError('config_invalid', `${file}: ${problem}`, { cause });
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw fail(`cannot read the configuration: ${describeError(error)}`, error);
  }
  let value: unknown;
  try {
    value = parseYaml(text);
  } catch (error) {
    throw fail(`this is not valid YAML: ${describeError(error).split('\n', 1)[0]}`, error);
  }
  const settings = z.record(z.string(), z.unknown()).safeParse(value ?? {});
  if (!settings.success) throw fail('expected settings by name');
  return settings.data;
}

function override(settings: Settings, { dataFolder, port, simulator, logLevel }: ConfigOverrides): void {
  if (dataFolder !== undefined) settings['dataFolder'] = path.resolve(dataFolder);
  if (simulator !== undefined) settings['simulator'] = simulator;
  if (port !== undefined) settings['listen'] = withField(settings['listen'], 'port', port);
  if (logLevel !== undefined) settings['log'] = withField(settings['log'], 'level', logLevel);
}

/** A section that is no section stays as it is, for the schema to refuse. */
const withField = (section: unknown, field: string, value: unknown): unknown =>
  typeof section === 'object' || section === undefined ? { ...section, [field]: value } : section;

const describeProblems = (error: z.ZodError): string =>
  error.issues.map(({ path: where, message }) => `${where.join('.') || 'settings'}: ${message}`).join('; ');
