import { readFileSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import cliProgress from 'cli-progress';
import { describeError, DragomanError } from '../base/errors.ts';
import { copyStore, type CopyProgress, type CopyReport } from '../store/transfer/copy-store.ts';
import { MongoTransfer } from '../store/transfer/mongo-transfer.ts';
import { SqliteTransfer } from '../store/transfer/sqlite-transfer.ts';
import { type ConfigSources, loadConfig, parseConfig, storeLocation } from '../system/config.ts';
import { EXIT } from './exit-codes.ts';

export interface StoreMigrateFlags {
  /** By default the configuration's own store. */
  readonly from?: string | undefined;
  readonly fromFile?: string | undefined;
  readonly to?: string | undefined;
  readonly toFile?: string | undefined;
  readonly json?: boolean | undefined;
}

/** `dragoman store migrate`: copies a store into an empty one of either kind. Resolves to the exit code. */
export async function storeMigrate(sources: ConfigSources, flags: StoreMigrateFlags): Promise<number> {
  const to = namedStore('--to', flags.to, flags.toFile);
  if (to === null) throw new DragomanError('config_invalid', 'expected --to STORE or --to-file FILE');
  const from = namedStore('--from', flags.from, flags.fromFile) ?? storeLocation(loadConfig(sources));
  if (isDeepStrictEqual(from, to)) {
    throw new DragomanError('config_invalid', 'expected two stores, got the same one as --from and --to');
  }
  await using opened = new AsyncDisposableStack();
  const source = await openTransfer(from, 'source');
  opened.defer(() => source.close());
  const target = await openTransfer(to, 'target');
  opened.defer(() => target.close());
  const screen = new ProgressScreen();
  const report = await copyStore(source, target, (progress) => screen.show(progress)).finally(() =>
    screen.end(),
  );
  if (flags.json === true) {
    console.log(JSON.stringify({ from: source.name, to: target.name, ...report }));
  } else {
    for (const line of describe(report)) console.log(line);
    console.log(`${target.name} holds what ${source.name} does: set it as the store, and start.`);
  }
  return EXIT.ok;
}

type Location = ReturnType<typeof storeLocation>;

function openTransfer(
  location: Location,
  role: 'source' | 'target',
): Promise<MongoTransfer> | SqliteTransfer {
  switch (location.kind) {
    case 'sqlite':
      return SqliteTransfer.open(location.file, role, Date.now());
    case 'mongodb':
      return MongoTransfer.open(location.url, role);
  }
}

/** Where a flag points. SQLite files are relative to the working directory, as everything on a command line. */
function namedStore(flag: string, store: string | undefined, file: string | undefined): Location | null {
  if (store !== undefined && file !== undefined) {
    throw new DragomanError('config_invalid', `expected ${flag} or ${flag}-file, got both`);
  }
  const named = file === undefined ? store : secretIn(flag, file);
  if (named === undefined) return null;
  try {
    return storeLocation(parseConfig({ store: named, dataFolder: process.cwd() }));
  } catch (cause) {
    const reason = describeError(cause).replace('configuration: store', flag);
    throw new DragomanError('config_invalid', reason, { cause });
  }
}

function secretIn(flag: string, file: string): string {
  try {
    return readFileSync(path.resolve(file), 'utf8').trim();
  } catch (cause) {
    throw new DragomanError('config_invalid', `${flag}-file: ${describeError(cause)}`, { cause });
  }
}

const describe = ({ resumed, sections }: CopyReport): string[] => [
  ...(resumed ? ['Went on where an earlier attempt had ended.'] : []),
  ...sections.map(
    ({ section, count, sha256 }) =>
      `  ${section.padEnd(30)} ${String(count).padStart(10)}  ${sha256.slice(0, 16)}`,
  ),
];

const STEPS = { copy: 'copied', verify: 'compared' } as const;
const LINE_EVERY_PERCENT = 10;

/** A bar in a terminal, a line now and then elsewhere; on standard error, so that results stay by themselves. */
class ProgressScreen {
  readonly #bar = process.stderr.isTTY
    ? new cliProgress.SingleBar({
        format: '{step} [{bar}] {percentage}%  {value}/{total}  {section}  {eta_formatted}',
      })
    : null;
  #step: CopyProgress['step'] | null = null;
  #lastPercent = 0;

  show({ step, section, done, total }: CopyProgress): void {
    const isNew = step !== this.#step;
    this.#step = step;
    if (this.#bar !== null) {
      if (isNew) this.#bar.start(total, 0, { step: STEPS[step], section });
      this.#bar.update(done, { section });
      return;
    }
    const percent = total === 0 ? 100 : Math.floor((100 * done) / total);
    if (!isNew && percent < this.#lastPercent + LINE_EVERY_PERCENT) return;
    this.#lastPercent = percent;
    console.error(`${STEPS[step]} ${done} of ${total} records (${percent} %): ${section}`);
  }

  end(): void {
    this.#bar?.stop();
  }
}
