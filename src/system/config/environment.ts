import path from 'node:path';
import { parse as parseYaml } from 'yaml';
import type { SettingPath } from './raw-settings.ts';
import { type Setting, variableOf } from './setting-list.ts';

/** What the environment sets, and what of it cannot be used. */
export interface EnvironmentSettings {
  readonly assignments: readonly Assignment[];
  readonly problems: readonly string[];
  /** Variables that look like settings and are none. */
  readonly unknown: readonly string[];
}

export interface Assignment {
  readonly variable: string;
  readonly path: SettingPath;
  readonly value: unknown;
}

/** Names the configuration file, so it is no setting of it. */
export const CONFIG_VARIABLE = 'DRAGOMAN_CONFIG';
const PREFIX = /^DRAGOMAN_/;
const ENTRY = /_(\d+)(?=_|$)/g;

/**
 * Reads settings from `DRAGOMAN_…` variables, a list's entries by their number: `DRAGOMAN_GATEWAYS_0_TOKEN`. Texts are
 * taken as they are, everything else is YAML. A variable that is set to nothing counts as not set. Whole lists come
 * before their entries.
 */
export function settingsOfEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  settings: readonly Setting[],
): EnvironmentSettings {
  const byVariable = new Map(settings.map((setting) => [variableOf(setting), setting]));
  const assignments: Assignment[] = [];
  const problems: string[] = [];
  const unknown: string[] = [];
  for (const [variable, text] of Object.entries(environment)) {
    if (!PREFIX.test(variable) || variable === CONFIG_VARIABLE || text === undefined || text === '') continue;
    const setting = byVariable.get(ofAnyEntry(variable));
    if (setting === undefined) {
      unknown.push(variable);
      continue;
    }
    const numbers = entriesIn(variable);
    const where = setting.path.map((step) => (step === '*' ? (numbers.shift() ?? 0) : step));
    try {
      assignments.push({ variable, path: where, value: valueOf(setting, text) });
    } catch {
      // the parser's message quotes the value, which may be a secret
      problems.push(`${where.join('.')}: the value of ${variable} is not valid YAML`);
    }
  }
  return { assignments: assignments.toSorted((a, b) => a.path.length - b.path.length), problems, unknown };
}

/** With `*` for the numbers of entries, as `variableOf` has it. */
export const ofAnyEntry = (variable: string): string => variable.replaceAll(ENTRY, '_*');

/** The numbers of the entries that a variable names, from the outside in. */
export const entriesIn = (variable: string): number[] =>
  [...variable.matchAll(ENTRY)].map(([, number]) => Number(number));

function valueOf(setting: Setting, text: string): unknown {
  if (setting.names === 'path') return path.resolve(text);
  return setting.text ? text : parseYaml(text);
}
