import fc from 'fast-check';
import { expect, test } from 'vitest';
import { runs } from '../support/property-runs.ts';
import { settled, SlotBench } from '../support/slot-bench.ts';

const SLOW_MS = 1_000;
const STEP_MS = 100;
const HANGS_MS = 60_000;

const slots = fc.record({
  maxConcurrentDownloads: fc.integer({ min: 1, max: 5 }),
  maxSlowDownloads: fc.integer({ min: 1, max: 5 }),
  slowDownloadMs: fc.constant(SLOW_MS),
});
const medium = fc.record({
  botId: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
  chat: fc.nat({ max: 20 }),
  arrivesAfterMs: fc.nat({ max: 30 }).map((steps) => steps * STEP_MS),
  lastsMs: fc.oneof(fc.constant(HANGS_MS), fc.integer({ min: 1, max: 3 * SLOW_MS }), fc.constant(STEP_MS)),
});

test('S3: however many are slow, and whosever, a quick one of another bot waits as long as a turn of each bot takes', async () => {
  await fc.assert(
    fc.asyncProperty(
      slots,
      fc.array(medium, { maxLength: 60 }),
      fc.nat({ max: 60 }),
      async (settings, media, probeAfterSteps) => {
        const bench = new SlotBench(settings);
        for (const [nth, { botId, chat, arrivesAfterMs, lastsMs }] of media.entries()) {
          bench.clock.schedule(arrivesAfterMs, () => bench.begin(botId, `${chat} ${nth}`, lastsMs));
        }
        for (let step = 0; step < probeAfterSteps; step += 1) await bench.pass(STEP_MS);
        bench.begin('probe', 'quick', STEP_MS);
        const bots = new Set(media.map(({ botId }) => botId)).size + 1;
        const turns = Math.ceil(bots / settings.maxConcurrentDownloads);
        for (let waitedMs = 0; waitedMs < turns * SLOW_MS; waitedMs += STEP_MS) await bench.pass(STEP_MS);
        expect(bench.begun).toContain('probe/quick');
      },
    ),
    { numRuns: runs(300) },
  );
});

test('S1, S4: the bounds hold at every moment, all come to their end, and none is begun more than twice', async () => {
  await fc.assert(
    fc.asyncProperty(slots, fc.array(medium, { maxLength: 40 }), async (settings, media) => {
      const bench = new SlotBench(settings);
      const { maxConcurrentDownloads: quick, maxSlowDownloads: slow } = settings;
      const mostOfBot = Math.max(1, quick - 1) + Math.max(1, slow - 1);
      let arrived = 0;
      for (const [nth, { botId, chat, arrivesAfterMs, lastsMs }] of media.entries()) {
        bench.clock.schedule(arrivesAfterMs, () => {
          arrived += 1;
          bench.begin(botId, `${chat} ${nth}`, lastsMs);
        });
      }
      while (Object.keys(bench.outcomes).length < media.length) {
        await bench.pass(STEP_MS);
        expect(bench.running.length).toBe(bench.slots.running);
        expect(bench.running.length).toBeLessThanOrEqual(quick + slow);
        const ofBots = Object.groupBy(bench.running, (name) => name.slice(0, 1));
        for (const ofBot of Object.values(ofBots)) expect(ofBot?.length).toBeLessThanOrEqual(mostOfBot);
        const ended = Object.keys(bench.outcomes).length;
        expect(bench.slots.running + bench.slots.waiting + ended).toBe(arrived);
      }
      await settled();
      const begun = Object.values(Object.groupBy(bench.begun, (name) => name)).map((all) => all?.length);
      expect(Math.max(0, ...begun.map((times = 0) => times))).toBeLessThanOrEqual(2);
      expect(Object.values(bench.outcomes).map(({ kind }) => kind)).not.toContain('failed');
      expect([bench.slots.running, bench.slots.waiting, bench.clock.pendingTimers]).toEqual([0, 0, 0]);
    }),
    { numRuns: runs(60) },
  );
});
