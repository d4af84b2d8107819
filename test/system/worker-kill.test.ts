import { readdir } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { startMediaWorks } from '../support/media-works.ts';
import { isRunning } from '../support/pids.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { byChat, remembered, sayAll } from '../support/voice-notes.ts';

const DEEP = process.env['DRAGOMAN_DEEP'] === '1';
const KILLS = DEEP ? 60 : 8;
const KILL_EVERY_MS = DEEP ? 1_000 : 250;
const BOTS = ['alpha', 'beta'];

const TALK = { bots: BOTS, chatsPerBot: DEEP ? 40 : 4, notes: DEEP ? 5_000 : 300 };

/** kill -9 of one of the processor's processes after another. Returns how many there were to kill. */
async function killAgainAndAgain(folder: string): Promise<number> {
  let killed = 0;
  for (let kill = 0; kill < KILLS; kill += 1) {
    await pause(KILL_EVERY_MS);
    const running = (await readdir(folder)).map(Number).filter(isRunning);
    const victim = running[kill % running.length];
    if (victim === undefined) continue;
    process.kill(victim, 'SIGKILL');
    killed += 1;
  }
  return killed;
}

test('workers killed again and again: each job’s text is settled once, in its place, and none is lost', async () => {
  const folder = await scratchFolder();
  const works = await startMediaWorks({
    bots: BOTS,
    processor: new URL('../support/known-processor.ts', import.meta.url),
    pool: { workers: 4, processorOptions: { folder } },
    config: { maxAttempts: KILLS + 1 },
  });
  const [said, killed] = await Promise.all([sayAll(works, TALK), killAgainAndAgain(folder)]);
  await works.untilIngested(said.length);

  expect(killed).toBeGreaterThan(KILLS / 2);
  expect(works.log.at('info')).toContain('job postponed');
  expect(byChat(await remembered(works, TALK))).toEqual(byChat(said));
  const fulfilled = works.events.filter(({ kind }) => kind === 'fulfilled');
  expect(fulfilled).toHaveLength(said.length);
  expect(await works.store.countJobs()).toEqual([]);
  expect(await works.staging.list()).toEqual([]);
});
