import { readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { makePrivateFile } from '../../../src/base/private-file.ts';
import { openJournal } from '../../support/open-journal.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';
import { openStoreAt } from '../../support/sqlite-subject.ts';

const modeOf = async (file: string): Promise<number> => (await stat(file)).mode & 0o777;

test('credentials and messages are for their owner alone, in the files beside the database too', async () => {
  const dir = await scratchFolder();
  await openJournal({ dir });
  const store = await openStoreAt(path.join(dir, 'dragoman.db'));
  await store.resolveCorrespondent('bot', 'simulator', ['ann']);
  for (const name of ['gateway.sqlite', 'gateway.sqlite-wal', 'dragoman.db', 'dragoman.db-wal']) {
    expect(await modeOf(path.join(dir, name)), name).toBe(0o600);
  }
  await store.close();
});

test('a file that is there stays as it is', async () => {
  const file = path.join(await scratchFolder(), 'there');
  await writeFile(file, 'content', { mode: 0o640 });
  makePrivateFile(file);
  expect(await modeOf(file)).toBe(0o640);
  expect(await readFile(file, 'utf8')).toBe('content');
});
