/** One row of a benchmark: what is timed, and how many operations that is. */
export interface Row<T> {
  readonly name: string;
  readonly operations: number;
  /** Runs before each round, untimed. */
  prepare(): T;
  run(prepared: T): void | Promise<void>;
}

export interface Measurement {
  readonly name: string;
  /** Operations per second. */
  readonly median: number;
  readonly lowest: number;
  readonly highest: number;
}

/** Ties the type of what a row prepares to what it runs. */
export const row = <T>(definition: Row<T>): Row<unknown> => ({
  name: definition.name,
  operations: definition.operations,
  prepare: () => definition.prepare(),
  run: (prepared) => definition.run(prepared as T),
});

/**
 * Times each row `rounds` times after one round that does not count. Rows take turns, so that a disturbance of the
 * machine falls on all of them alike.
 */
export async function measure(rows: readonly Row<unknown>[], rounds = 7): Promise<readonly Measurement[]> {
  const speeds = rows.map((): number[] => []);
  for (let round = 0; round <= rounds; round += 1) {
    for (const [index, { operations, prepare, run }] of rows.entries()) {
      const prepared = prepare();
      const startedAt = performance.now();
      await run(prepared);
      const seconds = (performance.now() - startedAt) / 1_000;
      if (round > 0) speeds[index]?.push(operations / seconds);
    }
  }
  return rows.map(({ name }, index) => summarise(name, speeds[index] ?? []));
}

/** `beside` names the row that the last column compares with. */
export function printTable(measurements: readonly Measurement[], beside?: string): void {
  const reference = measurements.find(({ name }) => name === beside)?.median;
  const header = [
    '',
    'per second',
    'ns each',
    'lowest … highest',
    ...(reference === undefined ? [] : [`× ${beside}`]),
  ];
  const lines = measurements.map(({ name, median, lowest, highest }) => [
    name,
    short(median),
    short(1e9 / median),
    `${short(lowest)} … ${short(highest)}`,
    ...(reference === undefined ? [] : [(median / reference).toFixed(3)]),
  ]);
  const widths = header.map((_, column) =>
    Math.max(...[header, ...lines].map((line) => line[column]?.length ?? 0)),
  );
  for (const line of [header, ...lines]) {
    console.log(
      line
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join('  '),
    );
  }
}

function summarise(name: string, speeds: readonly number[]): Measurement {
  const sorted = speeds.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? NaN;
  return { name, median: at(0.5), lowest: at(0), highest: at(1) };
}

function short(value: number): string {
  if (value >= 1e6) return `${(value / 1e6).toFixed(1)} M`;
  if (value >= 1e3) return `${(value / 1e3).toFixed(1)} k`;
  return value.toFixed(1);
}
