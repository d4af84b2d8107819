import { readdir } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { startMediaWorks } from '../support/media-works.ts';
import { isRunning } from '../support/pids.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { byChat, remembered, sayAll } from '../support/voice-notes.ts';

const DEEP = process.env['DRAGOMAN_DEEP'] === '1';
const KILLS = DEEP ? 60 : 8;
const KILL_EVERY_MS = DEEP ? 1_000 : 250;
const START_DEADLINE_MS = 30_000;
const BOTS = ['alpha', 'beta'];

const TALK = { bots: BOTS, chatsPerBot: DEEP ? 40 : 4, notes: DEEP ? 5_000 : 300 };

/** kill -9 of one of the processor's processes after another; one that has not started yet is waited for. */
async function killAgainAndAgain(folder: string): Promise<void> {
  for (let kill = 0; kill < KILLS; kill += 1) {
    await pause(KILL_EVERY_MS);
    const running = await vi.waitUntil(() => runningIn(folder), { timeout: START_DEADLINE_MS });
    process.kill(running[kill % running.length] ?? running[0], 'SIGKILL');
  }
}

async function runningIn(folder: string): Promise<readonly [number, ...number[]] | null> {
  const [first, ...others] = (await readdir(folder)).map(Number).filter(isRunning);
  return first === undefined ? null : [first, ...others];
}

test('workers killed again and again: each job’s text is settled once, in its place, and none is lost', async () => {
  const folder = await scratchFolder();
  const works = await startMediaWorks({
    bots: BOTS,
    processor: new URL('../support/known-processor.ts', import.meta.url),
    pool: { workers: 4, processorOptions: { folder } },
    config: { maxAttempts: KILLS + 1 },
  });
  const [said] = await Promise.all([sayAll(works, TALK), killAgainAndAgain(folder)]);
  await works.untilIngested(said.length);

  expect(works.log.at('info')).toContain('job postponed');
  expect(byChat(await remembered(works, TALK))).toEqual(byChat(said));
  const fulfilled = works.events.filter(({ kind }) => kind === 'fulfilled');
  expect(fulfilled).toHaveLength(said.length);
  expect(await works.store.countJobs()).toEqual([]);
  expect(await works.staging.list()).toEqual([]);
});
