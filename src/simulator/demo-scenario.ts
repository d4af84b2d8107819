import type { ScenarioStep } from './scenario.ts';

/** The group that the demo talks in, and its members. */
export const DEMO_GROUP = { name: 'Garden party', members: ['Ana', 'Bruno', 'Chiara'] } as const;

/** Three people and a group, all at once: every kind of medium, and one picture that arrives damaged. */
export const demoScenario: readonly ScenarioStep[] = [
  { from: 'Ana', text: 'Hi! Are you coming on Saturday?' },
  { from: 'Ana', in: 'Garden party', text: 'I have made a list of what we still need.' },
  { from: 'Ana', in: 'Garden party', document: 4_000, fileName: 'shopping-list.pdf', caption: 'The list' },
  { from: 'Ana', voice: 6_000 },
  { from: 'Ana', text: 'That was me explaining the way, sorry for the wind.' },

  { from: 'Bruno', in: 'Garden party', image: 40_000, caption: 'Tables are up!' },
  { from: 'Bruno', in: 'Garden party', text: 'Who brings the chairs?' },
  { from: 'Bruno', text: 'Could you remind me on Friday evening?' },
  { from: 'Bruno', video: 120_000, caption: 'The band is practising' },
  { from: 'Bruno', text: 'They are better than last year.' },

  { from: 'Chiara', voice: 9_000 },
  { from: 'Chiara', text: 'Listen to it when you have a minute.' },
  { from: 'Chiara', in: 'Garden party', text: 'Eight chairs from me.' },
  { from: 'Chiara', in: 'Garden party', sticker: 0 },
  { from: 'Chiara', image: 30_000, caption: 'Can you read this?', fault: { kind: 'flip_bit' } },

  { pauseMs: 500 },

  { from: 'Bruno', in: 'Garden party', voice: 5_000 },
  { from: 'Ana', in: 'Garden party', text: 'Perfect, see you all at six.' },
  { from: 'Chiara', text: 'The picture did not load? I will send it again.' },
  { from: 'Chiara', image: 30_000, caption: 'Here it is again' },
];
