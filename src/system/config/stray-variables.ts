import { closestTo } from '../../base/closest.ts';
import { SETTINGS } from '../config.ts';
import { entriesIn, ofAnyEntry, settingsOfEnvironment } from './environment.ts';
import { variableOf } from './setting-list.ts';

const PREFIX = 'DRAGOMAN_';
const withoutPrefix = (variable: string): string => variable.slice(PREFIX.length);
/** Without what all of them have in common, which would make any two look alike. */
const VARIABLES = SETTINGS.map((setting) => withoutPrefix(variableOf(setting)));

/** An environment variable that looks like a setting and is none. */
export interface StrayVariable {
  readonly found: string;
  readonly todo: string;
}

export const strayVariables = (
  environment: Readonly<Record<string, string | undefined>>,
): readonly StrayVariable[] =>
  settingsOfEnvironment(environment, SETTINGS).unknown.map((variable) => {
    const meant = closestTo(withoutPrefix(ofAnyEntry(variable)), VARIABLES);
    return {
      found: `${variable} names no setting`,
      todo:
        meant === null
          ? 'see docs/configuration.md for the names'
          : `did you mean ${PREFIX}${withEntries(meant, entriesIn(variable))}?`,
    };
  });

/** A list's first entry where none was named. */
const withEntries = (variable: string, entries: readonly number[]): string => {
  const left = [...entries];
  return variable.replaceAll('*', () => String(left.shift() ?? 0));
};
