import { z } from 'zod';

/** One setting that has a value of its own, as an operator sees it. */
export interface Setting {
  /** Names from the outside in; `*` stands for each of a list's entries. */
  readonly path: readonly string[];
  readonly type: string;
  /** As it is written; null when there is none. */
  readonly defaultValue: string | null;
  readonly required: boolean;
  /** What a number counts; null where it is a count, or no number. */
  readonly unit: string | null;
  /** Never printed; may come from a file. */
  readonly secret: boolean;
  /** Whether its value is a text, which the environment gives as it is. */
  readonly text: boolean;
  /** What a text names: a file or folder, which the environment and flags give relative to the working directory. */
  readonly names: 'path' | null;
  readonly meaning: string;
}

/** What of JSON Schema zod writes for a configuration, and what `meta` adds to it. */
const schemaNode = z.object({
  type: z.string().optional(),
  description: z.string().optional(),
  default: z.unknown().optional(),
  enum: z.array(z.unknown()).optional(),
  get properties() {
    return z.record(z.string(), schemaNode).optional();
  },
  get items() {
    return schemaNode.optional();
  },
  required: z.array(z.string()).optional(),
  minimum: z.number().optional(),
  exclusiveMinimum: z.number().optional(),
  maximum: z.number().optional(),
  unit: z.string().optional(),
  secret: z.boolean().optional(),
  names: z.literal('path').optional(),
});
type SchemaNode = z.infer<typeof schemaNode>;

/** Longer defaults, such as whole lists of pools, are described instead. */
const LONGEST_DEFAULT = 60;

const UNITS: readonly (readonly [suffix: RegExp, unit: string])[] = [
  [/Ms$/, 'ms'],
  [/Bytes$/, 'bytes'],
  [/Hours$/, 'hours'],
  [/Days$/, 'days'],
  [/Seconds$/, 's'],
];

/** Every setting of `schema`, in its order. A list is there as a whole and, where it holds settings, by its entries. */
export function settingsOf(schema: z.ZodType): readonly Setting[] {
  return under(schemaNode.parse(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })), [], false);
}

function under(node: SchemaNode, path: readonly string[], required: boolean): readonly Setting[] {
  if (node.properties !== undefined) {
    return Object.entries(node.properties).flatMap(([name, child]) =>
      under(child, [...path, name], node.required?.includes(name) === true),
    );
  }
  const entries = node.items?.properties === undefined ? [] : under(node.items, [...path, '*'], false);
  return [settingOf(node, path, required), ...entries];
}

function settingOf(node: SchemaNode, path: readonly string[], required: boolean): Setting {
  const name = path.at(-1) ?? '';
  const suffix = UNITS.find(([ending]) => ending.test(name))?.[1];
  const written = node.default === undefined ? null : JSON.stringify(node.default);
  return {
    path,
    type: typeOf(node),
    defaultValue: written !== null && written.length > LONGEST_DEFAULT ? null : written,
    required,
    unit: node.unit ?? suffix ?? null,
    secret: node.secret === true,
    text: node.type === 'string',
    names: node.names ?? null,
    meaning: node.description ?? '',
  };
}

function typeOf(node: SchemaNode): string {
  if (node.enum !== undefined) return node.enum.map((value) => JSON.stringify(value)).join(', ');
  switch (node.type) {
    case 'integer':
    case 'number':
      return `${node.type === 'integer' ? 'whole number' : 'number'}${boundsOf(node)}`;
    case 'string':
      return 'text';
    case 'boolean':
      return 'true, false';
    case 'array':
      return `list of ${node.items?.type === 'string' ? 'texts' : 'entries'}`;
    case undefined:
    default:
      return 'settings by name';
  }
}

function boundsOf({ minimum, exclusiveMinimum, maximum }: SchemaNode): string {
  const least = exclusiveMinimum === undefined ? minimum : `more than ${exclusiveMinimum}`;
  const most = maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum;
  if (least === undefined && most === undefined) return '';
  if (most === undefined) return typeof least === 'string' ? `, ${least}` : `, ${least} or more`;
  return `, ${least ?? 0} to ${most}`;
}

/** `gateways.*.token`: `DRAGOMAN_GATEWAYS_*_TOKEN`, where `*` is an entry's place, from 0 on. */
export const variableOf = ({ path }: Setting): string =>
  ['DRAGOMAN', ...path.map((name) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase())].join(
    '_',
  );
