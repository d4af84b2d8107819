import type { z } from 'zod';
import { closestTo } from '../../base/closest.ts';
import type { Setting } from './setting-list.ts';

type Place = readonly PropertyKey[];

/** What a value of each kind is called by whoever writes it into a file. */
const KINDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'settings by name',
  record: 'settings by name',
};

/** What one setting is expected to be, and what it is. Never tells a free text, which may be a secret. */
export const expectation: z.core.$ZodErrorMap = (issue) => {
  const expected = expectedBy(issue);
  return expected === null ? undefined : `expected ${expected}`;
};

function expectedBy(issue: z.core.$ZodRawIssue): string | null {
  const { input } = issue;
  if (issue.code === 'invalid_type') {
    return `${kindCalled(issue.expected)}, got ${kindOf(input)}${quotesHint(issue)}`;
  }
  if (issue.code === 'too_small') return `${leastOf(issue)}${numberGot(input)}`;
  if (issue.code === 'too_big')
    return `${issue.maximum}${countedIn(issue.origin)} at most${numberGot(input)}`;
  if (issue.code === 'invalid_value') {
    return `${issue.values.map(String).join(' or ')}, got ${choiceOf(input)}`;
  }
  return null;
}

/** The problems of one issue, each with its place. A setting that does not exist is told with the one that is meant. */
export function problemsOf(issue: z.core.$ZodIssue, settings: readonly Setting[]): readonly string[] {
  if (issue.code !== 'unrecognized_keys') return [`${named(issue.path) || 'settings'}: ${issue.message}`];
  return issue.keys.map((key) => {
    const meant = meantBy([...issue.path, key], settings);
    const hint = meant.length > 0 ? `: did you mean ${meant.join(' or ')}?` : '';
    return `${named([...issue.path, key])}: there is no such setting${hint}`;
  });
}

/** Settings beside it that are spelt alike, or those of its name elsewhere. */
function meantBy(place: Place, settings: readonly Setting[]): readonly string[] {
  const name = String(place.at(-1));
  const parent = place.slice(0, -1);
  const beside = settings.flatMap(({ path }) =>
    path.length >= place.length && parent.every((step, index) => isStep(path[index], step))
      ? [path[parent.length] ?? '']
      : [],
  );
  const closest = closestTo(name, new Set(beside));
  if (closest !== null) return [closest];
  return settings.filter(({ path }) => path.at(-1) === name).map(({ path }) => path.join('.'));
}

const isStep = (step: string | undefined, at: PropertyKey): boolean =>
  step === '*' ? typeof at === 'number' : step === at;

const named = (place: Place): string => place.join('.');

const kindCalled = (kind: string): string => KINDS[kind] ?? kind;

function kindOf(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'number') return Number.isInteger(value) ? 'a number' : String(value);
  return typeof value === 'boolean' ? String(value) : kindCalled(typeof value);
}

/** A choice is no secret. */
const choiceOf = (value: unknown): string => (typeof value === 'string' ? value : kindOf(value));

/** YAML takes digits for a number, of which a telephone number is the likeliest. */
const quotesHint = ({ expected, input }: { readonly expected: string; readonly input?: unknown }): string =>
  expected === 'string' && (typeof input === 'number' || typeof input === 'boolean')
    ? ': put it into quotes'
    : '';

const numberGot = (value: unknown): string => (typeof value === 'number' ? `, got ${value}` : '');

const countedIn = (origin: string): string => ({ string: ' characters', array: ' entries' })[origin] ?? '';

function leastOf({ origin, minimum, inclusive }: z.core.$ZodRawIssue<z.core.$ZodIssueTooSmall>): string {
  if (inclusive === false) return `more than ${minimum}`;
  if (minimum === 1 && origin === 'string') return 'some text';
  if (minimum === 1 && origin === 'array') return 'one entry or more';
  return `${minimum}${countedIn(origin)} or more`;
}
