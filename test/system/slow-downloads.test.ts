import { expect, test } from 'vitest';
import { MediaStage, PHONES, SHORT_DEADLINES } from '../support/media-stage.ts';

/** Longer than any test runs. */
const NEVER_MS = 3_600_000;

test('media that hang, of every bot, hold up no quick one: not of another chat, nor of a bot that has none', async () => {
  const stage = await MediaStage.start({
    ...SHORT_DEADLINES,
    maxConcurrentDownloads: 2,
    maxSlowDownloads: 2,
    slowDownloadMs: 500,
    idleTimeoutMs: NEVER_MS,
    downloadTimeoutMs: NEVER_MS,
  });
  const { simulator, gateway } = stage;
  const [untouched = '', ...others] = PHONES.map((phone) => stage.numberOf(phone));
  const hangs = { image: 20_000, fault: { kind: 'stall' } } as const;
  for (const [nth, bot] of others.entries()) {
    for (const chat of ['Ana', 'Ben', 'Cem']) await simulator.say(`${chat} ${nth}`, hangs, { bot });
  }
  // Both slots and the slow lane are theirs, and others of them wait.
  await expect.poll(() => gateway.snapshot()).toMatchObject({ runningDownloads: 4 });
  const quick = [
    await simulator.say('Dora', { voice: 5_000 }, { bot: untouched }),
    await simulator.say('Dora', { voice: 5_000 }, { bot: others[0] ?? '' }),
  ];
  for (const sent of quick) expect((await stage.storyOf(sent)).end.type).toBe('media.staged');
  expect(stage.backend.ofType('media.corrupt')).toEqual([]);
});
