import { readFileSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { describeError, DragomanError } from '../base/errors.ts';
import {
  CONFIG_VARIABLE,
  type Assignment,
  type EnvironmentSettings,
  settingsOfEnvironment,
} from './config/environment.ts';
import { type Configuration, configuration } from './config/schema.ts';
import { expectation, problemsOf } from './config/problems.ts';
import { readSecretFiles, twinOf, withFileSettings } from './config/secrets.ts';
import { type RawSettings, type SettingPath, withValueAt } from './config/raw-settings.ts';
import { type Setting, settingsOf } from './config/setting-list.ts';

/** Folders are absolute. */
export type Config = Configuration & {
  readonly stagingFolder: string;
  /** The configuration file's folder, or the working directory: relative paths start there. */
  readonly baseFolder: string;
};

/** Where settings come from, strongest last: file, environment, flags. */
export interface ConfigSources {
  readonly file?: string | undefined;
  /** `DRAGOMAN_CONFIG` names the file, all others are settings: see docs/configuration.md. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly flags: ConfigOverrides;
}

export interface ConfigOverrides {
  readonly dataFolder?: string | undefined;
  readonly port?: number | undefined;
  readonly httpPort?: number | undefined;
  readonly simulator?: string | undefined;
  readonly logLevel?: string | undefined;
}

/** Every setting that can be given. */
export const SETTINGS: readonly Setting[] = withFileSettings(settingsOf(configuration));

/**
 * Reads and checks the whole configuration. Paths come out absolute.
 * @throws `config_invalid`: names every problem and where it is.
 */
export function loadConfig({ file: named, environment, flags }: ConfigSources): Config {
  const file = named ?? (environment[CONFIG_VARIABLE] || undefined);
  const given = settingsOfEnvironment(environment, SETTINGS);
  let raw: unknown = file === undefined ? {} : readConfigFile(file);
  for (const stronger of [given.assignments, assignmentsOf(flags)]) raw = overridden(raw, stronger);
  return check(raw, file, given);
}

/** What is given more strongly in one way is not also given in the other; what is given twice as strongly is told later. */
function overridden(weaker: unknown, stronger: readonly Pick<Assignment, 'path' | 'value'>[]): unknown {
  const isGiven = (where: SettingPath): boolean =>
    stronger.some((each) => isDeepStrictEqual(each.path, where));
  let all = weaker;
  for (const { path: where, value } of stronger) {
    const twin = twinOf(where, SETTINGS);
    if (twin !== null && !isGiven(twin)) all = withValueAt(all, twin, undefined);
    all = withValueAt(all, where, value);
  }
  return all;
}

/**
 * Checks settings, fills in defaults, makes paths absolute. `file`: where they came from.
 * @throws as `loadConfig`.
 */
export const parseConfig = (settings: unknown, file?: string): Config =>
  check(settings, file, { assignments: [], problems: [] });

function check(
  raw: unknown,
  file: string | undefined,
  given: Pick<EnvironmentSettings, 'assignments' | 'problems'>,
): Config {
  const baseFolder = file === undefined ? process.cwd() : path.dirname(path.resolve(file));
  const { settings, problems } = readSecretFiles(raw, SETTINGS, baseFolder);
  const result = configuration.safeParse(settings, { error: expectation });
  const all = [
    ...given.problems,
    ...problems,
    ...(result.error?.issues ?? []).flatMap((issue) => describeIssue(issue, given)),
  ];
  if (!result.success || all.length > 0) {
    throw new DragomanError('config_invalid', `${file ?? 'configuration'}:${listed(all)}`);
  }
  const absolute = (folder: string): string => path.resolve(baseFolder, folder);
  const { stagingFolder, gateways, ...rest } = result.data;
  const dataFolder = absolute(rest.dataFolder);
  return {
    ...rest,
    dataFolder,
    stagingFolder: stagingFolder === undefined ? path.join(dataFolder, 'media') : absolute(stagingFolder),
    gateways: gateways.map((gateway) =>
      gateway.stagingFolder === undefined
        ? gateway
        : { ...gateway, stagingFolder: absolute(gateway.stagingFolder) },
    ),
    baseFolder,
  };
}

export type StoreLocation =
  { readonly kind: 'sqlite'; readonly file: string } | { readonly kind: 'mongodb'; readonly url: string };

/** Where a configuration keeps what is durable. A relative SQLite file is in the data folder. */
export function storeLocation({ store, dataFolder }: Config): StoreLocation {
  if (store?.startsWith('mongodb') === true) return { kind: 'mongodb', url: store };
  const file = store?.replace(/^sqlite:(\/\/)?/, '') ?? 'dragoman.db';
  return { kind: 'sqlite', file: path.resolve(dataFolder, file) };
}

function readConfigFile(file: string): RawSettings {
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

function assignmentsOf({ dataFolder, port, httpPort, simulator, logLevel }: ConfigOverrides) {
  const folder = dataFolder === undefined ? undefined : path.resolve(dataFolder);
  return [
    { path: ['dataFolder'], value: folder },
    { path: ['listen', 'port'], value: port },
    { path: ['http', 'port'], value: httpPort },
    { path: ['simulator'], value: simulator },
    { path: ['log', 'level'], value: logLevel },
  ].filter(({ value }) => value !== undefined);
}

function describeIssue(
  issue: z.core.$ZodIssue,
  { assignments }: Pick<EnvironmentSettings, 'assignments'>,
): readonly string[] {
  const name = issue.path.join('.');
  const source = assignments.find((assignment) => assignment.path.join('.') === name);
  return problemsOf(issue, SETTINGS).map(
    (problem) => `${problem}${source === undefined ? '' : ` (from ${source.variable})`}`,
  );
}

/** One beside what it is in; of several, each on a line of its own. */
const listed = (problems: readonly string[]): string =>
  problems.length === 1 ? ` ${problems[0]}` : problems.map((problem) => `\n  ${problem}`).join('');
