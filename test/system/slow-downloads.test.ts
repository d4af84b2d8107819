import { expect, test } from 'vitest';
import { MediaStage, PHONES, SHORT_DEADLINES } from '../support/media-stage.ts';

/** Longer than any test runs. */
const NEVER_MS = 3_600_000;
/** Of the media that are sound, slow and hanging. */
const EACH = 4;

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

test('what is slow and interrupted for others is whole in the end, what hangs is given up, and nothing is left half done', async () => {
  const stage = await MediaStage.start({
    ...SHORT_DEADLINES,
    maxConcurrentDownloads: 2,
    maxSlowDownloads: 2,
    slowDownloadMs: 100,
    idleTimeoutMs: 1_500,
    downloadTimeoutMs: 20_000,
  });
  const { simulator } = stage;
  const faults = [null, { kind: 'drip', bytesPerSecond: 20_000 }, { kind: 'stall' }] as const;
  const said = await Promise.all(
    Array.from({ length: EACH * 3 }, async (_, nth) => {
      const fault = faults[nth % faults.length] ?? null;
      const bot = stage.numberOf(PHONES[nth % PHONES.length] ?? 'answers');
      const content = fault === null ? { image: 20_000 } : { image: 20_000, fault };
      const sent = await simulator.say(`person ${nth}`, content, { bot });
      return { sent, wanted: fault?.kind === 'stall' ? 'media.corrupt' : 'media.staged' };
    }),
  );
  for (const { sent, wanted } of said) expect((await stage.storyOf(sent)).end.type).toBe(wanted);
  expect(await stage.problems(said.map(({ sent }) => sent))).toEqual([]);
  // Some were begun more often than their attempts are.
  expect(simulator.media.requests.length).toBeGreaterThan(EACH + EACH + 3 * EACH);
});
