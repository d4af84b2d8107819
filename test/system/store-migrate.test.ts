import { copyFile, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { DragomanError } from '../../src/base/errors.ts';
import { silentLogger } from '../../src/base/log.ts';
import { exitCodeOf } from '../../src/cli/exit-codes.ts';
import { storeMigrate, type StoreMigrateFlags } from '../../src/cli/store-migrate.ts';
import type { CorrespondentKey } from '../../src/jobs/job.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import type { Store } from '../../src/store/store.ts';
import { copyStore } from '../../src/store/transfer/copy-store.ts';
import { SECTIONS, type Source, type Target } from '../../src/store/transfer/records.ts';
import { SqliteTransfer } from '../../src/store/transfer/sqlite-transfer.ts';
import { DragomanProcess } from '../support/dragoman-process.ts';
import { MONGODB_URL, openStoreOn, SKIPPED, TestDatabase } from '../support/mongo-subject.ts';
import { fillRichly } from '../support/rich-store.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { acceptText, keyOf, NOW, PROVIDER, textMessage } from '../support/store-records.ts';

const openFile = (file: string): Promise<Store> =>
  openSqliteStore({ file, clock: systemClock(), log: silentLogger });

async function migrate(...args: readonly string[]) {
  const dragoman = DragomanProcess.spawn('store', 'migrate', ...args);
  onTestFinished(() => dragoman.kill());
  const exitCode = await dragoman.exited();
  return { exitCode, stdout: dragoman.stdout, stderr: dragoman.stderr };
}

/** Everything that the port lets a backend see of these chats and their bots. */
async function viewOf(store: Store, chats: readonly CorrespondentKey[]) {
  const bots = [...new Set(chats.map(({ botId }) => botId))];
  return {
    bots: await store.bots(),
    correspondents: await Promise.all(bots.map((bot) => store.correspondents(bot))),
    journals: await Promise.all(chats.map((chat) => store.rehydrate(chat))),
    histories: await Promise.all(chats.map((chat) => store.history(chat, { afterSeq: 0, limit: 100 }))),
    jobs: await Promise.all(
      (['active', 'holding', 'failed'] as const).map((collection) =>
        store.jobsOfBot('bot-a', { collection, afterSeq: 0, limit: 100 }),
      ),
    ),
  };
}

/** What the copy must still keep for those who go on with it: numbers, fences, duplicates, turns. */
async function goOn(store: Store, fence: number): Promise<void> {
  expect(store.fence).toBeGreaterThan(fence);
  const ada = keyOf('ada@lid');
  const again = { ...textMessage(11), providerMessageId: 'provider-1' };
  expect(await store.accept(acceptText(ada, again))).toEqual({ kind: 'duplicate', id: 1 });
  const { nextId } = await store.rehydrate(ada);
  const next = textMessage(nextId, { providerMessageId: 'new' });
  expect(await store.accept(acceptText(ada, next))).toEqual({ kind: 'accepted' });
  await store.ingest({ correspondent: ada, messages: [textMessage(3)], now: NOW });
  const history = await store.history(ada, { afterSeq: 0, limit: 100 });
  expect(history.map(({ ingestSeq }) => ingestSeq)).toEqual([1, 2, 3]);
  const younger = await store.resolveCorrespondent('bot-a', PROVIDER, ['younger@s']);
  expect(younger.correspondentId).toBe('ada@lid');
  const remade = await store.resolveCorrespondent('bot-b', PROVIDER, ['forgotten@s']);
  expect(remade.nextId).toBe(6);
  const [bot] = await store.bots();
  if (bot !== undefined) await store.saveBot({ ...bot, stopped: true });
  expect(await store.bots()).toContainEqual(expect.objectContaining({ stopped: true }));
  const claimed = await store.claim({ pool: 'image', now: NOW, leaseMs: 60_000, cappedBots: [] });
  expect(claimed?.placeholder.id).toBe(9);
  await store.close();
}

interface Filled {
  readonly chats: readonly CorrespondentKey[];
  readonly view: Awaited<ReturnType<typeof viewOf>>;
  readonly fence: number;
}

let folder = '';
let filled: Filled | null = null;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dragoman-'));
  const store = await openFile(path.join(folder, 'from.db'));
  const chats = await fillRichly(store);
  filled = { chats, view: await viewOf(store, chats), fence: store.fence };
  await store.close();
});
afterAll(() => rm(folder, { recursive: true, force: true }));
beforeEach(() => {
  vi.spyOn(console, 'error').mockImplementation(() => {});
  vi.spyOn(console, 'log').mockImplementation(() => {});
  onTestFinished(() => void vi.restoreAllMocks());
});

/** A file of its own with at least one record of every kind. */
async function filledFile(): Promise<Filled & { readonly file: string }> {
  if (filled === null) throw new Error('not filled yet');
  const file = path.join(await scratchFolder(), 'from.db');
  await copyFile(path.join(folder, 'from.db'), file);
  return { file, ...filled };
}

describe('store migrate', () => {
  test('copies everything into another file, says how much, and the copy goes on as the store would have', async () => {
    const { file, chats, view, fence } = await filledFile();
    const to = path.join(path.dirname(file), 'to.db');
    const done = await migrate('--from', `sqlite:${file}`, '--to', `sqlite:${to}`, '--json');
    expect(done.exitCode).toBe(0);
    expect(done.stderr).toContain('compared');
    const report = JSON.parse(done.stdout);
    expect(report).toMatchObject({ from: `sqlite:${file}`, to: `sqlite:${to}`, resumed: false });
    expect(report.sections.map(({ section }: { section: string }) => section)).toEqual(SECTIONS);
    for (const { count } of report.sections) expect(count).toBeGreaterThan(0);
    const copy = await openFile(to);
    expect(await viewOf(copy, chats)).toEqual(wellFormed(view));
    await goOn(copy, fence);
  });

  test('knows every table there is', async () => {
    const { file } = await filledFile();
    const database = new DatabaseSync(file);
    onTestFinished(() => database.close());
    const tables = database
      .prepare(`SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name`)
      .all();
    // One that is added has to be added to src/store/transfer too.
    expect(tables.map(({ name }) => name)).toEqual(TABLES);
  });

  test('a copy that is killed -9 is no store, goes on at the next attempt, and ends with everything', async () => {
    const { file, chats, view, fence } = await filledFile();
    const store = await openFile(file);
    const ben = keyOf('ben@s');
    for (let id = 2; id <= 1_000; id += 1) {
      const accepted = store.accept(acceptText(ben, textMessage(id)));
      if (id % 500 === 0) await accepted;
    }
    await store.close();
    const to = path.join(path.dirname(file), 'to.db');
    const args = ['store', 'migrate', '--from', `sqlite:${file}`, '--to', `sqlite:${to}`];
    const first = DragomanProcess.spawn(...args);
    onTestFinished(() => first.kill());
    await first.logged(/copied/);
    await first.kill();

    await expect(openFile(to)).rejects.toMatchObject({ code: 'already_in_use' });
    const second = await migrate(...args.slice(2));
    expect(second.stdout).toContain('Went on where an earlier attempt had ended.');
    expect(second.exitCode).toBe(0);
    const copy = await openFile(to);
    const copied = await copy.rehydrate(ben);
    expect(copied.messages).toHaveLength(1_000);
    expect((await viewOf(copy, chats)).histories).toEqual(view.histories);
    await goOn(copy, fence);
  });

  test('takes the configured store by default', async () => {
    const { file } = await filledFile();
    const [own, to] = ['dragoman.db', 'to.db'].map((name) => path.join(path.dirname(file), name));
    await rename(file, own ?? '');
    const sources = { environment: {}, flags: { dataFolder: path.dirname(file) } };
    expect(await storeMigrate(sources, { to: `sqlite:${to}` })).toBe(0);
    await (await openFile(to ?? '')).close();
  });

  test.for<[string, (file: string) => StoreMigrateFlags, number, string]>([
    ['no target', (file) => ({ from: `sqlite:${file}` }), 78, 'expected --to STORE'],
    [
      'a source that is not there',
      () => ({ from: 'sqlite:/nowhere/x', to: 'sqlite:x' }),
      1,
      'no store /nowhere/x',
    ],
    [
      'itself as the target',
      (file) => ({ from: `sqlite:${file}`, to: `sqlite:${file}` }),
      78,
      'got the same one',
    ],
    [
      'what is no store',
      (file) => ({ from: `sqlite:${file}`, to: 'postgres:x' }),
      78,
      '--to: expected sqlite:PATH',
    ],
    ['a target in two ways', () => ({ to: 'sqlite:x', toFile: 'y' }), 78, 'got both'],
    ['a target in no file', () => ({ toFile: '/nowhere/y' }), 78, '--to-file: '],
  ])('refuses %s', async ([, flags, exitCode, told]) => {
    const { file } = await filledFile();
    const error = await refusal(flags(file));
    expect(error.message).toContain(told);
    expect(exitCodeOf(error)).toBe(exitCode);
  });

  test('a source whose target holds something stays as it is: it is not frozen for a copy that never begins', async () => {
    const [{ file }, { file: full }] = await Promise.all([filledFile(), filledFile()]);
    const source: Source = SqliteTransfer.open(file, 'source', NOW);
    const target: Target = SqliteTransfer.open(full, 'target', NOW);
    let frozen = 0;
    source.freeze = () => Promise.resolve((frozen += 1));
    await expect(copyStore(source, target, () => {})).rejects.toMatchObject({ code: 'already_in_use' });
    expect(frozen).toBe(0);
    await Promise.all([source.close(), target.close()]);
  });

  test('refuses a target that holds something, and either store while a backend has it open', async () => {
    const [{ file }, { file: full }] = await Promise.all([filledFile(), filledFile()]);
    const to = path.join(path.dirname(file), 'to.db');
    const occupied = await refusal({ from: `sqlite:${file}`, to: `sqlite:${full}` });
    expect(occupied.message).toContain('expected an empty store');
    expect(exitCodeOf(occupied)).toBe(69);
    for (const open of [file, to]) {
      const backend = await openFile(open);
      const refused = await refusal({ from: `sqlite:${file}`, to: `sqlite:${to}` });
      expect(refused.message).toContain(`${open} is in use by another Dragoman`);
      await backend.close();
    }
  });

  test('refuses to go on with another source, or when the source was used since', async () => {
    const [{ file }, { file: other }] = await Promise.all([filledFile(), filledFile()]);
    const to = path.join(path.dirname(file), 'to.db');
    await failingCopy(file, to);
    const strange = await refusal({ from: `sqlite:${other}`, to: `sqlite:${to}` });
    expect(strange.message).toContain(`expected to go on with the copy of sqlite:${file}`);
    await (await openFile(file)).close();
    const used = await refusal({ from: `sqlite:${file}`, to: `sqlite:${to}` });
    expect(used.message).toContain('has been used since its copy began');
    expect(exitCodeOf(used)).toBe(69);
  });

  test('does not call a copy done whose contents differ', async () => {
    const { file } = await filledFile();
    const to = path.join(path.dirname(file), 'to.db');
    await failingCopy(file, to);
    const database = new DatabaseSync(to);
    database.exec("UPDATE queues SET message = replace(message, 'text 1', 'text X')");
    database.close();
    const { message } = await refusal({ from: `sqlite:${file}`, to: `sqlite:${to}` });
    expect(message).toMatch(/queues: expected \d+ records .* with other contents: it is left unfinished/);
    await expect(openFile(to)).rejects.toMatchObject({ code: 'already_in_use' });
  });
});

const NOTHING = { environment: {}, flags: {} };

async function refusal(flags: StoreMigrateFlags): Promise<DragomanError> {
  const outcome: unknown = await storeMigrate(NOTHING, flags).catch((reason: unknown) => reason);
  if (outcome instanceof DragomanError) return outcome;
  throw new Error(`expected a refusal, got ${String(outcome)}`);
}

const TABLES = [
  'bots',
  'correspondent_aliases',
  'correspondents',
  'job_placeholders',
  'jobs',
  'media_turns',
  'message_ids',
  'meta',
  'queue_journal',
  'queues',
  'sqlite_sequence',
];

/** A copy that ends after the history, as if it had been killed. */
async function failingCopy(file: string, to: string): Promise<void> {
  const source = SqliteTransfer.open(file, 'source', NOW);
  const target: Target = SqliteTransfer.open(to, 'target', NOW);
  const write = target.write.bind(target);
  target.write = (section, records, mark) =>
    section === 'media_turns' ? Promise.reject(new Error('killed')) : write(section, records, mark);
  await expect(copyStore(source, target, () => {})).rejects.toThrow('killed');
  await Promise.all([source.close(), target.close()]);
}

describe.skipIf(MONGODB_URL === undefined)(`store migrate, MongoDB (${SKIPPED} unless it is)`, () => {
  const database = MONGODB_URL === undefined ? null : new TestDatabase();
  afterAll(() => database?.drop());

  test('from SQLite to MongoDB and back: the same at each end, killed -9 on both ways', async () => {
    if (database === null) throw new Error(SKIPPED);
    const { file, chats, fence } = await filledFile();
    const store = await openFile(file);
    const ben = keyOf('ben@s');
    await Promise.all(
      Array.from({ length: 700 }, (_, index) => store.accept(acceptText(ben, textMessage(index + 2)))),
    );
    const view = wellFormed(await viewOf(store, chats));
    await store.close();

    // Who has looked into the target before, more often than the source was opened, is no owner that it has.
    for (let opened = 0; opened < 10; opened += 1) await (await openStoreOn(database.url)).close();
    const stores = [`sqlite:${file}`, database.url, `sqlite:${path.join(path.dirname(file), 'back.db')}`];
    for (const [index, to] of stores.entries()) {
      const from = stores[index - 1];
      if (from === undefined) continue;
      const args = ['--from', from, '--to', to];
      const first = DragomanProcess.spawn('store', 'migrate', ...args);
      onTestFinished(() => first.kill());
      await first.logged(/copied/);
      await first.kill();
      if (to === database.url) {
        await expect(openStoreOn(to)).rejects.toMatchObject({ code: 'already_in_use' });
      }
      const second = await migrate(...args);
      expect([second.exitCode, second.stderr]).toEqual([0, expect.stringContaining('compared')]);
      expect(second.stdout).toContain('Went on');
      expect(second.exitCode).toBe(0);
    }
    const back = await openFile(path.join(path.dirname(file), 'back.db'));
    expect(await viewOf(back, chats)).toEqual(view);
    await goOn(back, fence);

    const mongo = await openStoreOn(database.url);
    onTestFinished(() => mongo.close());
    expect(await viewOf(mongo, chats)).toEqual(view);
    for (const flags of [
      { from: database.url, to: `sqlite:${file}.never` },
      { from: `sqlite:${file}`, to: database.url },
    ]) {
      expect((await refusal(flags)).message).toContain('is in use by a backend or worker');
    }
    await goOn(mongo, fence);
    const occupied = await refusal({ from: `sqlite:${file}`, to: database.url });
    expect(occupied.message).toContain('expected an empty store');
  }, 180_000);
});

/** MongoDB has no place for lone surrogates. */
const wellFormed = <T>(view: T): T =>
  JSON.parse(JSON.stringify(view), (_, value: unknown) =>
    typeof value === 'string' ? value.toWellFormed() : value,
  );
