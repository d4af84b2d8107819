import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { DragomanProcess } from '../support/dragoman-process.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { stubPools } from '../support/stub-pools.ts';

const PEOPLE = ['Ana', 'Bruno', 'Carla', 'Davi'];
/** Of the conversation, before the signal. */
const UNDER_WAY_MS = 1_500;

/** What a reader finds when nothing runs. */
function leftIn(folder: string) {
  const database = new DatabaseSync(path.join(folder, 'dragoman.db'), { readOnly: true });
  try {
    const count = (sql: string): number =>
      Number(database.prepare(`SELECT count(*) AS n FROM ${sql}`).get()?.['n']);
    return {
      ingested: count('queues'),
      ready: count('queue_journal WHERE media_processing_id IS NULL'),
      placeholders: count('queue_journal WHERE media_processing_id IS NOT NULL'),
      held: count("jobs WHERE collection = 'holding'"),
      active: count("jobs WHERE collection = 'active'"),
      leased: count("jobs WHERE status = 'processing'"),
    };
  } finally {
    database.close();
  }
}

test('SIGTERM in the middle of a flood: all that is ready is in the history, jobs are held, exit code 0', async () => {
  const folder = await scratchFolder();
  const simulator = await startSimulator({ autoScan: true });
  onTestFinished(() => simulator.close());
  const config = path.join(folder, 'dragoman.json');
  const slow = stubPools(400);
  const settings = {
    dataFolder: folder,
    simulator: simulator.endpoint.mediaOrigin,
    listen: { port: 0 },
    pools: slow,
  };
  await writeFile(config, JSON.stringify(settings));
  const dragoman = DragomanProcess.spawn('start', '--config', config);
  onTestFinished(() => dragoman.kill());
  await dragoman.printed(/: open$/m);

  const over = new AbortController();
  const talking = Promise.all(
    PEOPLE.map(async (person) => {
      for (let nth = 0; !over.signal.aborted; nth += 1) {
        await simulator.say(person, { text: `${nth}: a word` });
        await simulator.say(person, { image: 2_000, caption: `${nth}: a picture` });
      }
    }),
  );
  await pause(UNDER_WAY_MS);
  const exitCode = await dragoman.stop();
  over.abort();
  await talking;

  expect(exitCode).toBe(0);
  expect(dragoman.stderr).not.toContain('step not finished');
  const left = leftIn(folder);
  expect(left).toMatchObject({ ready: 0, active: 0, leased: 0, held: left.placeholders });
  expect(left.ingested).toBeGreaterThan(0);
});
