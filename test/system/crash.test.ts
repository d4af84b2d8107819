import { setTimeout as pause } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ScenarioStep } from '../../src/simulator/scenario.ts';
import { type Conversation, playThrough } from '../support/conversation.ts';
import { scratchFolder } from '../support/scratch-folder.ts';

const DEEP = process.env['DRAGOMAN_DEEP'] === '1';
/** Each costs the start of a process. */
const KILLS = DEEP ? 10 : 5;
const ROUNDS = KILLS;

/** A moment to kill: while the process comes up, or so long after it is up. */
const moment = fc.oneof(
  { weight: 1, arbitrary: fc.record({ after: fc.constant('spawned' as const), waitMs: fc.nat(1_200) }) },
  { weight: 4, arbitrary: fc.record({ after: fc.constant('up' as const), waitMs: fc.nat(700) }) },
);

/** Two people and a group, each round one message at a time: WhatsApp gets them in the script's order. */
const conversation: Conversation = {
  groups: { Trip: ['Ana', 'Bruno'] },
  steps: Array.from({ length: ROUNDS }, (_, round): ScenarioStep[] => [
    { from: 'Ana', text: `round ${round}: a word` },
    { from: 'Ana', image: 8_000, caption: `round ${round}: a picture` },
    { from: 'Bruno', voice: 4_000 },
    { from: 'Bruno', text: `round ${round}: 👋🏽 after the voice note` },
    { from: 'Ana', in: 'Trip', document: 2_000, fileName: 'plan.pdf' },
    { from: 'Ana', in: 'Trip', text: `round ${round}: to the group` },
    { pauseMs: 1_200 },
  ]).flat(),
};

/** fast-check prints the seed and the moments of a run that fails; give it the seed to play that run again. */
test(`a conversation through ${KILLS} kills -9 at random moments leaves the history of an undisturbed one`, async () => {
  const said = conversation.steps.filter((step) => 'from' in step);
  const undisturbed = await playThrough(await scratchFolder(), { ...conversation, steps: said });
  expect(undisturbed).toHaveLength(6 * ROUNDS);

  await fc.assert(
    fc.asyncProperty(fc.array(moment, { minLength: KILLS, maxLength: KILLS }), async (moments) => {
      const history = await playThrough(await scratchFolder(), conversation, async ({ killAndRestart }) => {
        for (const { after, waitMs } of moments) {
          await killAndRestart(after);
          await pause(waitMs);
        }
      });
      expect(history).toEqual(undisturbed);
    }),
    { numRuns: DEEP ? 10 : 1, endOnFailure: true },
  );
}, 900_000);
