import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describeError } from '../../base/errors.ts';
import { placesOf, type SettingPath, valueAt, withValueAt } from './raw-settings.ts';
import type { Setting } from './setting-list.ts';

/** A secret's name + `File` names the file that holds it. */
const FILE_SUFFIX = 'File';

/** The settings, and for each secret the one that gives it by file. */
export const withFileSettings = (settings: readonly Setting[]): readonly Setting[] =>
  settings.flatMap((setting) => (setting.secret ? [setting, fileSettingOf(setting)] : [setting]));

function fileSettingOf(setting: Setting): Setting {
  return {
    ...setting,
    path: fileTwinOf(setting.path),
    type: 'text',
    defaultValue: null,
    required: false,
    secret: false,
    text: true,
    names: 'path',
    meaning: `File whose text is \`${setting.path.at(-1) ?? ''}\`, without the line break at its end.`,
  };
}

/** The other way to give the secret at `where`, or null when there is none: of `token` it is `tokenFile`, and back. */
export function twinOf(where: SettingPath, settings: readonly Setting[]): SettingPath | null {
  const name = String(where.at(-1));
  const isSecret = (candidate: SettingPath): boolean =>
    settings.some(
      ({ secret, path: pattern }) =>
        secret &&
        pattern.length === candidate.length &&
        pattern.every((step, index) => step === candidate[index] || typeof candidate[index] === 'number'),
    );
  if (isSecret(where)) return fileTwinOf(where);
  const plain = [...where.slice(0, -1), name.slice(0, -FILE_SUFFIX.length)];
  return name.endsWith(FILE_SUFFIX) && isSecret(plain) ? plain : null;
}

const fileTwinOf = <Step extends string | number>(where: readonly Step[]): readonly (Step | string)[] => [
  ...where.slice(0, -1),
  `${where.at(-1)}${FILE_SUFFIX}`,
];

/** Puts secrets that are given by file in their places. `problems` name places and files, never what is in them. */
export function readSecretFiles(
  raw: unknown,
  settings: readonly Setting[],
  baseFolder: string,
): { readonly settings: unknown; readonly problems: readonly string[] } {
  const problems: string[] = [];
  let read = raw;
  for (const { secret, path: pattern } of settings) {
    if (!secret) continue;
    for (const where of placesOf(raw, pattern)) {
      const fileAt = fileTwinOf(where);
      const file = valueAt(raw, fileAt);
      if (file === undefined) continue;
      read = withValueAt(read, fileAt, undefined);
      if (valueAt(raw, where) !== undefined) {
        problems.push(`${where.join('.')}: give it or ${String(fileAt.at(-1))}, not both`);
        continue;
      }
      try {
        read = withValueAt(read, where, secretIn(file, baseFolder));
      } catch (error) {
        problems.push(`${fileAt.join('.')}: ${describeError(error)}`);
      }
    }
  }
  return { settings: read, problems };
}

function secretIn(file: unknown, baseFolder: string): string {
  if (typeof file !== 'string') throw new Error('expected the name of a file');
  const name = path.resolve(baseFolder, file);
  let text: string;
  try {
    text = readFileSync(name, 'utf8').trimEnd();
  } catch (error) {
    throw new Error(`cannot read ${name}: ${describeError(error)}`, { cause: error });
  }
  if (text === '') throw new Error(`expected a secret in ${name}, got an empty file`);
  return text;
}
