import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { logTree } from '../../src/actors/kit/actor-tree.ts';
import type { ScenarioStep } from '../../src/simulator/scenario.ts';
import { createLogger } from '../../src/system/logger.ts';
import { togetherBench } from '../support/together-bench.ts';

const PEOPLE = ['Philomena', 'Balthasar', 'Quirin'];
const GROUP = 'Eierlikoerfreunde';
const SECRETS = [...PEOPLE, GROUP, 'rutabaga', 'marzipan', 'nightingale', 'artichoke', 'invoice-4711'];

/** Texts, captions, file names, in chats of two and in a group, with media that come and media that do not. */
const conversation: readonly ScenarioStep[] = [
  ...PEOPLE.flatMap((from): ScenarioStep[] => [
    { from, text: 'the rutabaga is in the cellar' },
    { from, image: 5_000, caption: 'marzipan' },
  ]),
  { from: 'Quirin', document: 3_000, fileName: 'invoice-4711.pdf' },
  { from: 'Quirin', image: 3_000, caption: 'nightingale', fault: { kind: 'wrong_hash' } },
  ...PEOPLE.map((from): ScenarioStep => ({ from, in: GROUP, text: 'rutabaga for all' })),
  { from: 'Philomena', in: GROUP, voice: 3_000 },
];

test('of a whole conversation no number, name or word is in the log at level info', async () => {
  const lines: string[] = [];
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString());
      done();
    },
  });
  const log = createLogger({ level: 'info', pretty: false, destination });
  const { simulator, together, until } = await togetherBench({ seed: 'privacy', log });
  const group = simulator.group(GROUP, PEOPLE);
  await simulator.play(conversation);
  const spoken = conversation.filter((step) => 'from' in step && !('pauseMs' in step)).length;
  const chat = await until((events) => {
    const ingested = events.filter((event) => event.kind === 'ingested');
    return ingested.flatMap(({ messages }) => messages).length >= spoken && ingested[0]?.chat;
  });
  await together.backend.administration.send({
    botId: chat.botId,
    to: chat.correspondentId,
    text: 'artichoke',
  });
  logTree(together.backend.system, log);
  await together.stop();

  const identities = [...PEOPLE.map((name) => simulator.person(name).identity), simulator.account().identity];
  const identifiers = identities.flatMap(({ phone, lid }) => [phone, lid.replace(/@.*/, '')]);
  const whole = lines.join('');
  expect(lines.length).toBeGreaterThan(20);
  expect(whole).toContain('media staged');
  expect(whole).toContain('media given up');
  const logged = lines.map((line): { msg: string; trace?: string } => JSON.parse(line));
  const steps = Map.groupBy(logged, ({ trace }) => trace ?? '');
  const ofMedia = [
    'message journalled',
    'placeholder accepted',
    'media staged',
    'placeholder settled',
    'message ingested',
  ];
  const traced = [...steps.values()].filter((each) =>
    ofMedia.every((step) => each.some(({ msg }) => msg === step)),
  );
  expect(traced).toHaveLength(5);
  const found = [...SECRETS, ...identifiers, group.jid.replace(/@.*/, '')].filter((secret) =>
    lines.some((line) => line.toLowerCase().includes(secret.toLowerCase())),
  );
  expect(found, lines.filter((line) => found.some((secret) => line.includes(secret))).join('')).toEqual([]);
});
