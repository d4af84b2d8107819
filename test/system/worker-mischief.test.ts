import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { DragomanEvent } from '../../src/actors/events.ts';
import { startMediaWorks } from '../support/media-works.ts';
import { jobsIn } from '../support/jobs-in.ts';
import { ENOUGH } from '../support/mischief-processor.ts';
import { scratchFolder } from '../support/scratch-folder.ts';

const GOOD_JOBS = 40;

/** What the chat reads, by what the processor was asked for. */
const MISCHIEF: Readonly<Record<string, string>> = {
  'never return': '[Processing timed out] never return',
  'end on abort': '[Processing timed out] end on abort',
  block: '[Processing timed out] block',
  'throw undefined': '[Media processing failed] throw undefined',
  'eat buffers': '[Media processing failed] eat buffers',
  exit: '[Media processing failed] exit',
};

const textsOf = (event: DragomanEvent): readonly string[] =>
  event.kind === 'fulfilled' ? [event.message.content] : [];

const processor = new URL('../support/mischief-processor.ts', import.meta.url);

test('whatever a processor does, the others get their words meanwhile, and each chat its text', async () => {
  const works = await startMediaWorks({
    bots: ['mischief', 'good'],
    processor,
    pool: {
      workers: 3,
      timeoutMs: 4_000,
      maxMemoryMb: 256,
      processorOptions: { folder: await scratchFolder() },
    },
    config: { maxAttempts: 2 },
  });
  const guids = new Map<string, string>();
  for (const what of Object.keys(MISCHIEF)) guids.set(what, await works.say('mischief', 'chat', what));
  for (let n = 0; n < GOOD_JOBS; n += 1) await works.say('good', `chat-${n % 4}`, 'pid');
  await works.untilIngested(GOOD_JOBS + guids.size);

  const texts = works.events.flatMap(textsOf);
  const good = texts.filter((text) => /^\[\d+\] pid$/.test(text));
  expect(good).toHaveLength(GOOD_JOBS);
  const bad = texts.filter((text) => !good.includes(text));
  expect(bad.toSorted()).toEqual(Object.values(MISCHIEF).toSorted());
  expect(texts.findLastIndex((text) => good.includes(text))).toBeLessThan(texts.length - 2);

  const failed = await jobsIn(works.store, 'mischief', 'failed');
  const errorOf = (what: string) => failed.find(({ guid }) => guid === guids.get(what));
  expect(errorOf('eat buffers')).toMatchObject({ attempts: 2, error: { code: 'worker_died' } });
  expect(errorOf('exit')).toMatchObject({
    attempts: 2,
    error: { code: 'worker_died', reason: expect.stringContaining('exit code 7') },
  });
  expect(errorOf('block')).toMatchObject({ attempts: 1, error: { code: 'timed_out' } });
  expect(errorOf('throw undefined')).toMatchObject({ attempts: 1, error: { code: 'failed' } });
  expect(await jobsIn(works.store, 'mischief', 'active')).toEqual([]);

  // No worker was lost by it: as many jobs are done at once as ever.
  for (const bot of ['good', 'mischief', 'good']) await works.say(bot, 'chat', 'meet two others');
  await works.untilIngested(GOOD_JOBS + guids.size + 3);
  expect(works.events.flatMap(textsOf).filter((text) => text === '[met] meet two others')).toHaveLength(3);
});

test('while two media keep their processors from ever answering, all others get their words', async () => {
  const folder = await scratchFolder();
  const works = await startMediaWorks({
    bots: ['mischief', 'good'],
    processor,
    pool: { workers: 3, timeoutMs: 600_000, processorOptions: { folder } },
  });
  const blocking: string[] = [];
  for (let n = 0; n < 3; n += 1) blocking.push(await works.say('mischief', 'chat', 'block until told'));
  const stateOf = async (guid: string) => (await works.store.jobByGuid(guid))?.status;
  const inHand = () => Promise.all(blocking.map(stateOf));
  await expect.poll(inHand).toEqual(['processing', 'processing', 'pending']);
  for (let n = 0; n < GOOD_JOBS; n += 1) await works.say('good', `chat-${n % 4}`, 'pid');
  await works.untilIngested(GOOD_JOBS);
  expect(works.events.flatMap(textsOf)).toEqual(
    Array.from({ length: GOOD_JOBS }, () => expect.stringMatching(/^\[\d+\] pid$/)),
  );
  expect(await inHand()).toEqual(['processing', 'processing', 'pending']);

  await writeFile(path.join(folder, ENOUGH), '');
  await works.untilIngested(GOOD_JOBS + blocking.length);
  expect(works.events.flatMap(textsOf).slice(GOOD_JOBS)).toEqual(
    blocking.map(() => '[blocked for long enough] block until told'),
  );
});
