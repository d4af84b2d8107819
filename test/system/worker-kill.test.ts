import { readdir } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { wordsOf } from '../support/known-processor.ts';
import { type MediaWorks, startMediaWorks } from '../support/media-works.ts';
import { isRunning } from '../support/pids.ts';
import { scratchFolder } from '../support/scratch-folder.ts';

const DEEP = process.env['DRAGOMAN_DEEP'] === '1';
const JOBS = DEEP ? 5_000 : 300;
const KILLS = DEEP ? 60 : 8;
const KILL_EVERY_MS = DEEP ? 1_000 : 250;
const BOTS = ['alpha', 'beta'];
const CHATS_PER_BOT = DEEP ? 40 : 4;

interface Note {
  readonly botId: string;
  readonly chat: string;
  readonly text: string;
}

/** Says everything, each chat in its own order and all chats at a time. */
async function sayAll({ say }: MediaWorks): Promise<readonly Note[]> {
  const chats = BOTS.flatMap((botId) =>
    Array.from({ length: CHATS_PER_BOT }, (_, n) => ({ botId, chat: `chat-${n}` })),
  );
  const perChat = Math.ceil(JOBS / chats.length);
  const said = chats.map(async ({ botId, chat }) => {
    const notes: Note[] = [];
    for (let n = 0; n < perChat; n += 1) {
      const guid = await say(botId, chat, `note ${n}`);
      notes.push({ botId, chat, text: `[${wordsOf(guid)}] note ${n}` });
    }
    return notes;
  });
  return (await Promise.all(said)).flat();
}

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

/** What is in the history, chat by chat, in the order of places. */
async function remembered({ store }: MediaWorks): Promise<readonly Note[]> {
  const notes: Note[] = [];
  for (const botId of BOTS) {
    for (const key of await store.correspondents(botId)) {
      const entries = await store.history(key, { afterSeq: 0, limit: JOBS });
      const inPlace = entries.map(({ message }) => message).toSorted((a, b) => a.id - b.id);
      notes.push(...inPlace.map(({ content }) => ({ botId, chat: key.correspondentId, text: content })));
    }
  }
  return notes;
}

const byChat = (notes: readonly Note[]): Map<string, string[]> =>
  new Map(
    [...Map.groupBy(notes, ({ botId, chat }) => `${botId}/${chat}`)].map(([chat, of]) => [
      chat,
      of.map(({ text }) => text),
    ]),
  );

test('workers killed again and again: each job’s text is settled once, in its place, and none is lost', async () => {
  const folder = await scratchFolder();
  const works = await startMediaWorks({
    bots: BOTS,
    processor: new URL('../support/known-processor.ts', import.meta.url),
    pool: { workers: 4, processorOptions: { folder } },
    config: { maxAttempts: KILLS + 1 },
  });
  const [said, killed] = await Promise.all([sayAll(works), killAgainAndAgain(folder)]);
  await works.untilIngested(said.length);

  expect(killed).toBeGreaterThan(KILLS / 2);
  expect(works.log.at('info')).toContain('job postponed');
  expect(byChat(await remembered(works))).toEqual(byChat(said));
  const fulfilled = works.events.filter(({ kind }) => kind === 'fulfilled');
  expect(fulfilled).toHaveLength(said.length);
  expect(await works.store.countJobs()).toEqual([]);
  expect(await works.staging.list()).toEqual([]);
});
