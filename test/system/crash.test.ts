import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { ScenarioStep } from '../../src/simulator/scenario.ts';
import { type Conversation, playThrough } from '../support/conversation.ts';
import { scratchFolder } from '../support/scratch-folder.ts';

const DEEP = process.env['DRAGOMAN_DEEP'] === '1';
const KILLS = 10;
const RUNS = DEEP ? 10 : 2;
const LONGEST_WAIT_MS = 1_200;

/** Each of a group and two people, one message at a time: the order in which WhatsApp gets them is the script's. */
const conversation: Conversation = {
  groups: { Trip: ['Ana', 'Bruno'] },
  steps: Array.from({ length: 8 }, (_, round): ScenarioStep[] => [
    { from: 'Ana', text: `round ${round}: a word` },
    { from: 'Ana', image: 8_000, caption: `round ${round}: a picture` },
    { from: 'Bruno', voice: 4_000 },
    { from: 'Bruno', text: `round ${round}: 👋🏽 after the voice note` },
    { from: 'Ana', in: 'Trip', document: 2_000, fileName: 'plan.pdf' },
    { from: 'Ana', in: 'Trip', text: `round ${round}: to the group` },
    { pauseMs: 250 },
  ]).flat(),
};

test('a conversation through kill -9 at random moments leaves the history of an undisturbed one', async () => {
  const undisturbed = await playThrough(await scratchFolder(), conversation);
  expect(undisturbed).toHaveLength(48);

  for (let run = 0; run < RUNS; run += 1) {
    const waits = Array.from({ length: KILLS / (DEEP ? 1 : RUNS) }, () => Math.random() * LONGEST_WAIT_MS);
    const history = await playThrough(await scratchFolder(), conversation, async ({ killAndRestart }) => {
      for (const waitMs of waits) {
        await pause(waitMs);
        await killAndRestart();
      }
    });
    expect(history, `killed after each of ${waits.map(Math.round).join(', ')} ms`).toEqual(undisturbed);
  }
}, 600_000);
