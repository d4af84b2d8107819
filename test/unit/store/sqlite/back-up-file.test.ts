import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../../../src/base/clock.ts';
import { silentLogger } from '../../../../src/base/log.ts';
import { backUpFile } from '../../../../src/store/sqlite/back-up-file.ts';
import { openSqliteStore } from '../../../../src/store/sqlite/sqlite-store.ts';
import { scratchFolder } from '../../../support/scratch-folder.ts';
import { acceptText, keyOf, PROVIDER, textMessage } from '../../../support/store-records.ts';

const open = (file: string) => openSqliteStore({ file, clock: systemClock(), log: silentLogger });

test('a backup that is taken while the store is written holds everything acknowledged before, and opens as a store', async () => {
  const folder = await scratchFolder();
  const [file, target] = [path.join(folder, 'dragoman.db'), path.join(folder, 'backup.db')];
  const store = await open(file);
  const ada = keyOf('ada@s');
  await store.resolveCorrespondent('bot-a', PROVIDER, ['ada@s']);
  for (let id = 1; id <= 20; id += 1) await store.accept(acceptText(ada, textMessage(id)));
  const writing = Promise.all(
    Array.from({ length: 200 }, (_, index) => store.accept(acceptText(ada, textMessage(21 + index)))),
  );
  await backUpFile(file, target);
  await writing;
  await store.close();

  const restored = await open(target);
  const { messages, nextId } = await restored.rehydrate(ada);
  expect(messages.length).toBeGreaterThanOrEqual(20);
  expect(nextId).toBe(messages.length + 1);
  await restored.close();
  expect(await readdir(folder)).not.toContain('backup.db.part');
});

test('a backup overwrites nothing, and leaves nothing half done', async () => {
  const folder = await scratchFolder();
  const file = path.join(folder, 'dragoman.db');
  await expect(backUpFile(file, path.join(folder, 'b'))).rejects.toMatchObject({ code: 'not_found' });
  await (await open(file)).close();
  await writeFile(path.join(folder, 'taken'), 'mine');
  await expect(backUpFile(file, path.join(folder, 'taken'))).rejects.toMatchObject({
    code: 'already_in_use',
  });
  const nowhere = path.join(folder, 'no', 'folder', 'b');
  await expect(backUpFile(file, nowhere)).rejects.toMatchObject({ code: 'folder_unusable' });
  await writeFile(file, 'no database'.repeat(100));
  await expect(backUpFile(file, path.join(folder, 'b'))).rejects.toMatchObject({ code: 'folder_unusable' });
  expect((await readdir(folder)).filter((name) => name.startsWith('b'))).toEqual([]);
});
