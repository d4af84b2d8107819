/**
 * Writes docs/configuration.md's tables from the schema.
 * `node scripts/configuration-reference.ts` writes, with `--check` it fails when the file is out of date.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { SETTINGS } from '../src/system/config.ts';
import { type Setting, variableOf } from '../src/system/config/setting-list.ts';

const target = new URL('../docs/configuration.md', import.meta.url);
const START = '<!-- from the schema: npm run reference -->';
const END = '<!-- end -->';

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

function row(setting: Setting): string {
  const { path, type, unit, defaultValue, required, secret, meaning } = setting;
  const kind = unit === null ? type : `${type}; ${unit}`;
  const fallback = defaultValue === null ? (required ? 'required' : '') : `\`${defaultValue}\``;
  const cells = [`\`${path.join('.')}\``, kind, fallback, `${secret ? 'Secret. ' : ''}${meaning}`];
  return `| ${cells.map(cell).join(' | ')} |`;
}

function reference(settings: readonly Setting[]): string {
  const undescribed = settings.filter(({ meaning }) => meaning === '').map(({ path }) => path.join('.'));
  if (undescribed.length > 0) {
    throw new Error(
      `these settings do not say what they mean; give each a .describe(): ${undescribed.join(', ')}`,
    );
  }
  const sections = Map.groupBy(settings, ({ path }) => (path.length > 1 ? (path[0] ?? '') : ''));
  const tables = [...sections].map(([section, members]) =>
    [
      section === '' ? '### At the top' : `### \`${section}\``,
      '',
      '| setting | type | default | meaning |',
      '| --- | --- | --- | --- |',
      ...members.map(row),
    ].join('\n'),
  );
  return `${START}\n\n${tables.join('\n\n')}\n\n${END}`;
}

const text = readFileSync(target, 'utf8');
const [before = '', rest = ''] = text.split(START, 2);
const [, after = ''] = rest.split(END, 2);
const variables = SETTINGS.map(variableOf);
const twice = variables.find((variable, index) => variables.indexOf(variable) !== index);
if (twice !== undefined) throw new Error(`two settings have the variable ${twice}`);
const wanted = `${before}${reference(SETTINGS)}${after}`;
if (!process.argv.includes('--check')) writeFileSync(target, wanted);
else if (text !== wanted) {
  console.error('docs/configuration.md is out of date: run `npm run reference` and commit what it writes');
  process.exitCode = 1;
}
