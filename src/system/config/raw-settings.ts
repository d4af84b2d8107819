/** Settings before the schema has seen them: whatever a person wrote. */
export type RawSettings = Record<string, unknown>;

export type SettingPath = readonly (string | number)[];

const isRecord = (value: unknown): value is RawSettings =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What `settings` holds there; undefined where there is nothing. */
export function valueAt(settings: unknown, path: SettingPath): unknown {
  let value = settings;
  for (const step of path) {
    if (Array.isArray(value)) value = value[Number(step)];
    else if (isRecord(value)) value = Object.hasOwn(value, step) ? value[step] : undefined;
    else return undefined;
  }
  return value;
}

/**
 * `settings` with `value` there (undefined: without it), and whatever is on the way to it. A section that is no section stays
 * as it is, for the schema to refuse. A list grows by one entry at most, so that it gets no holes.
 */
export function withValueAt(settings: unknown, path: SettingPath, value: unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return value;
  if (typeof step === 'number') {
    const list: readonly unknown[] = settings === undefined ? [] : Array.isArray(settings) ? settings : [];
    if ((settings !== undefined && !Array.isArray(settings)) || step > list.length) return settings;
    return [...list.slice(0, step), withValueAt(list[step], rest, value), ...list.slice(step + 1)];
  }
  if (settings !== undefined && settings !== null && !isRecord(settings)) return settings;
  const section = isRecord(settings) ? settings : {};
  const inner = withValueAt(Object.hasOwn(section, step) ? section[step] : undefined, rest, value);
  if (inner !== undefined) return { ...section, [step]: inner };
  return Object.fromEntries(Object.entries(section).filter(([name]) => name !== step));
}

/** The places that `pattern` names in `settings`, `*` being each entry of a list. */
export function placesOf(settings: unknown, pattern: readonly string[]): readonly SettingPath[] {
  const [step, ...rest] = pattern;
  if (step === undefined) return [[]];
  if (step !== '*') return placesOf(valueAt(settings, [step]), rest).map((place) => [step, ...place]);
  if (!Array.isArray(settings)) return [];
  return settings.flatMap((entry: unknown, index) => placesOf(entry, rest).map((place) => [index, ...place]));
}
